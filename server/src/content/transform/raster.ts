/**
 * A small renderer on the CPU: z-buffer, perspective-correct textures, one key light and a highlight.
 * Owns: drawing triangles. Does not own: where they come from, which views are wanted, encoding.
 */
// biome-ignore-all lint/style/noNonNullAssertion: typed arrays are dense and every loop stays within their length.
import { clamp } from "./fields.ts";
import type { Surface } from "./load.ts";
import type { Picture } from "./picture.ts";

/** From where the origin is looked at, radians; the field of view is 30 degrees. */
export interface View {
  readonly azimuth: number;
  readonly elevation: number;
  /** In longest sides of the picture. */
  readonly distance: number;
}

export interface Rendering extends Picture {
  /** Share of the pixels that show the model. */
  readonly coverage: number;
  /** For each pixel one over its point's distance before the eye; 0 where there is none. */
  readonly nearness: Float32Array;
}

type Vector = readonly [number, number, number];

export const FIELD_OF_VIEW = Math.PI / 6;
const BACKGROUND: Vector = [27, 29, 36];
const LIGHT: Vector = [-0.42, 0.6, 0.68];

/** Draws the surfaces' front faces on a dark ground, `size` pixels square. */
export function render(surfaces: readonly Surface[], view: View, size: number): Rendering {
  const target = createTarget(size);
  const camera = createCamera(view, size);
  for (const surface of surfaces) {
    const projected = project(surface, camera, size);
    for (let k = 0; k + 2 < surface.indices.length; k += 3) {
      fillTriangle(
        target,
        surface,
        projected,
        surface.indices[k]!,
        surface.indices[k + 1]!,
        surface.indices[k + 2]!,
      );
    }
  }
  let covered = 0;
  for (const nearness of target.nearness) if (nearness > 0) covered++;
  return {
    width: size,
    height: size,
    data: new Uint8Array(target.colours.buffer),
    coverage: covered / (size * size),
    nearness: target.nearness,
  };
}

interface Target {
  readonly size: number;
  readonly colours: Uint8ClampedArray<ArrayBuffer>;
  /** One over the distance; 0 where nothing was drawn. */
  readonly nearness: Float32Array;
}

function createTarget(size: number): Target {
  const colours = new Uint8ClampedArray(size * size * 3);
  for (let i = 0; i < colours.length; i += 3) {
    colours[i] = BACKGROUND[0];
    colours[i + 1] = BACKGROUND[1];
    colours[i + 2] = BACKGROUND[2];
  }
  return { size, colours, nearness: new Float32Array(size * size) };
}

interface Camera {
  readonly eye: Vector;
  readonly forward: Vector;
  readonly right: Vector;
  readonly up: Vector;
  /** Pixels per unit at distance 1. */
  readonly scale: number;
}

function createCamera({ azimuth, elevation, distance }: View, size: number): Camera {
  const forward: Vector = [
    -Math.sin(azimuth) * Math.cos(elevation),
    -Math.sin(elevation),
    -Math.cos(azimuth) * Math.cos(elevation),
  ];
  const right: Vector = [Math.cos(azimuth), 0, -Math.sin(azimuth)];
  const up: Vector = [
    right[1] * forward[2] - right[2] * forward[1],
    right[2] * forward[0] - right[0] * forward[2],
    right[0] * forward[1] - right[1] * forward[0],
  ];
  const eye: Vector = [-forward[0] * distance, -forward[1] * distance, -forward[2] * distance];
  return { eye, forward, right, up, scale: size / 2 / Math.tan(FIELD_OF_VIEW / 2) };
}

/** A surface's vertices on the screen, lit. */
interface Projected {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly nearness: Float32Array;
  /** Factor on the surface's colour. */
  readonly light: Float32Array;
  /** Added on top of it, 0..255. */
  readonly gloss: Float32Array;
}

function project(surface: Surface, camera: Camera, size: number): Projected {
  const { positions, normals } = surface;
  const count = positions.length / 3;
  const out: Projected = {
    x: new Float32Array(count),
    y: new Float32Array(count),
    nearness: new Float32Array(count),
    light: new Float32Array(count),
    gloss: new Float32Array(count),
  };
  const { eye, forward, right, up, scale } = camera;
  for (let i = 0; i < count; i++) {
    const x = positions[i * 3]! - eye[0];
    const y = positions[i * 3 + 1]! - eye[1];
    const z = positions[i * 3 + 2]! - eye[2];
    const depth = x * forward[0] + y * forward[1] + z * forward[2];
    out.nearness[i] = 1 / depth;
    out.x[i] = size / 2 + (scale * (x * right[0] + y * right[1] + z * right[2])) / depth;
    out.y[i] = size / 2 - (scale * (x * up[0] + y * up[1] + z * up[2])) / depth;
    const [nx, ny, nz] = [normals[i * 3]!, normals[i * 3 + 1]!, normals[i * 3 + 2]!];
    out.light[i] = diffuse(nx, ny, nz);
    const far = Math.sqrt(x * x + y * y + z * z);
    out.gloss[i] = highlight(surface, nx, ny, nz, -x / far, -y / far, -z / far);
  }
  return out;
}

/** Soft key light and some sky. */
function diffuse(nx: number, ny: number, nz: number): number {
  const wrapped = 0.5 + 0.5 * (nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2]);
  return 0.34 + 0.3 * (0.5 + 0.5 * ny) + 0.5 * wrapped * wrapped;
}

/** `v`: unit vector to the viewer. */
function highlight(
  { roughness, metallic }: Surface,
  nx: number,
  ny: number,
  nz: number,
  vx: number,
  vy: number,
  vz: number,
): number {
  const [hx, hy, hz] = [LIGHT[0] + vx, LIGHT[1] + vy, LIGHT[2] + vz];
  const facing = Math.max(0, (nx * hx + ny * hy + nz * hz) / Math.sqrt(hx * hx + hy * hy + hz * hz));
  const strength = roughness < 0.6 ? 70 : 12;
  const reflection = metallic > 0.5 ? 50 * ny * ny : 0;
  return facing ** (roughness < 0.35 ? 36 : 18) * strength + reflection;
}

/** `a`, `b`, `c`: vertices, counter-clockwise on the screen when the triangle faces the viewer. */
function fillTriangle(
  target: Target,
  surface: Surface,
  projected: Projected,
  a: number,
  b: number,
  c: number,
): void {
  const { x, y, nearness } = projected;
  const ax = x[a]!;
  const ay = y[a]!;
  const bx = x[b]!;
  const by = y[b]!;
  const cx = x[c]!;
  const cy = y[c]!;
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  // The screen's y points down, so what faces the viewer has a negative area; what lies behind the eye is left out.
  if (area >= 0 || nearness[a]! <= 0 || nearness[b]! <= 0 || nearness[c]! <= 0) return;
  const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
  const right = Math.min(target.size - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
  const bottom = Math.min(target.size - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
  for (let row = top; row <= bottom; row++) {
    const py = row + 0.5;
    for (let column = left; column <= right; column++) {
      const px = column + 0.5;
      const partA = ((bx - px) * (cy - py) - (cx - px) * (by - py)) / area;
      const partB = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) / area;
      const partC = 1 - partA - partB;
      if (partA < 0 || partB < 0 || partC < 0) continue;
      const near = partA * nearness[a]! + partB * nearness[b]! + partC * nearness[c]!;
      const pixel = row * target.size + column;
      if (near <= target.nearness[pixel]!) continue;
      target.nearness[pixel] = near;
      // Perspective: what is linear on the surface is not on the screen.
      const weightA = (partA * nearness[a]!) / near;
      const weightB = (partB * nearness[b]!) / near;
      paintPixel(target.colours, pixel * 3, surface, projected, a, b, c, weightA, weightB);
    }
  }
}

/** The colour at a point of the triangle `a`, `b`, `c`, given by its weights. */
function paintPixel(
  colours: Uint8ClampedArray,
  at: number,
  { texture, uvs, colour }: Surface,
  { light, gloss }: Projected,
  a: number,
  b: number,
  c: number,
  weightA: number,
  weightB: number,
): void {
  const weightC = 1 - weightA - weightB;
  const lit = weightA * light[a]! + weightB * light[b]! + weightC * light[c]!;
  const shine = weightA * gloss[a]! + weightB * gloss[b]! + weightC * gloss[c]!;
  if (texture && uvs) {
    const u = weightA * uvs[a * 2]! + weightB * uvs[b * 2]! + weightC * uvs[c * 2]!;
    const v = weightA * uvs[a * 2 + 1]! + weightB * uvs[b * 2 + 1]! + weightC * uvs[c * 2 + 1]!;
    paintTexel(colours, at, texture, u, v, lit, shine);
    return;
  }
  colours[at] = colour[0] * lit + shine;
  colours[at + 1] = colour[1] * lit + shine;
  colours[at + 2] = colour[2] * lit + shine;
}

/** Bilinear; the texture's edge repeats beyond it. */
function paintTexel(
  colours: Uint8ClampedArray,
  at: number,
  { width, height, data }: Picture,
  u: number,
  v: number,
  lit: number,
  shine: number,
): void {
  const x = clamp(u * width - 0.5, 0, width - 1);
  const y = clamp(v * height - 0.5, 0, height - 1);
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const upper = (y0 * width + x0) * 3;
  const lower = upper + (y0 + 1 < height ? width * 3 : 0);
  const next = x0 + 1 < width ? 3 : 0;
  const fx = x - x0;
  const fy = y - y0;
  for (let k = 0; k < 3; k++) {
    const above = data[upper + k]! + (data[upper + next + k]! - data[upper + k]!) * fx;
    const below = data[lower + k]! + (data[lower + next + k]! - data[lower + k]!) * fx;
    colours[at + k] = (above + (below - above) * fy) * lit + shine;
  }
}
