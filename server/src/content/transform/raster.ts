/**
 * A small renderer on the CPU: z-buffer, perspective-correct textures, one key light and a highlight.
 * Owns: drawing triangles. Does not own: where they come from, which views are wanted, encoding.
 */
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
  const layers: Layer[] = [];
  let firstOwner = 0;
  for (const surface of surfaces) {
    const layer = { surface, projected: project(surface, camera, size), firstOwner };
    layers.push(layer);
    cover(target, layer);
    firstOwner += surface.indices.length / 3;
  }
  const covered = shade(target, layers);
  return {
    width: size,
    height: size,
    data: new Uint8Array(target.colours.buffer),
    coverage: covered / (size * size),
    nearness: target.nearness,
  };
}

/** Drawn in two passes, which triangle a pixel shows and then its colour: hidden points cost next to nothing. */
interface Target {
  readonly size: number;
  readonly colours: Uint8ClampedArray<ArrayBuffer>;
  /** One over the distance; 0 where nothing was drawn. */
  readonly nearness: Float32Array;
  /** The triangle that each pixel shows, counted through all layers; -1 for none. */
  readonly owners: Int32Array;
}

interface Layer {
  readonly surface: Surface;
  readonly projected: Projected;
  readonly firstOwner: number;
}

function createTarget(size: number): Target {
  const pixels = size * size;
  return {
    size,
    colours: new Uint8ClampedArray(pixels * 3),
    nearness: new Float32Array(pixels),
    owners: new Int32Array(pixels).fill(-1),
  };
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

/** First pass: which triangle is the nearest. */
function cover(target: Target, { surface, projected, firstOwner }: Layer): void {
  const { indices } = surface;
  for (let k = 0; k + 2 < indices.length; k += 3) {
    coverTriangle(target, projected, indices[k]!, indices[k + 1]!, indices[k + 2]!, firstOwner + k / 3);
  }
}

/** `a`, `b`, `c`: vertices, counter-clockwise on the screen when the triangle faces the viewer. */
function coverTriangle(
  { size, nearness: nearest, owners }: Target,
  { x, y, nearness }: Projected,
  a: number,
  b: number,
  c: number,
  owner: number,
): void {
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
  const right = Math.min(size - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
  const bottom = Math.min(size - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
  for (let row = top; row <= bottom; row++) {
    const py = row + 0.5;
    for (let column = left; column <= right; column++) {
      const px = column + 0.5;
      const partA = ((bx - px) * (cy - py) - (cx - px) * (by - py)) / area;
      const partB = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) / area;
      const partC = 1 - partA - partB;
      if (partA < 0 || partB < 0 || partC < 0) continue;
      const near = partA * nearness[a]! + partB * nearness[b]! + partC * nearness[c]!;
      const pixel = row * size + column;
      if (near <= nearest[pixel]!) continue;
      nearest[pixel] = near;
      owners[pixel] = owner;
    }
  }
}

/** Second pass: the colour of every pixel. Returns how many show a triangle. */
function shade(target: Target, layers: readonly Layer[]): number {
  const { owners, colours } = target;
  let covered = 0;
  let layer: Layer | undefined;
  for (let pixel = 0; pixel < owners.length; pixel++) {
    const owner = owners[pixel]!;
    if (owner < 0) {
      for (let k = 0; k < 3; k++) colours[pixel * 3 + k] = BACKGROUND[k]!;
      continue;
    }
    covered++;
    // Neighbours mostly show the same surface.
    if (!layer || !owns(layer, owner)) layer = layers.find((each) => owns(each, owner));
    if (layer) paintPixel(target, layer, pixel, (owner - layer.firstOwner) * 3);
  }
  return covered;
}

function owns({ surface, firstOwner }: Layer, owner: number): boolean {
  return owner >= firstOwner && owner < firstOwner + surface.indices.length / 3;
}

/** `at`: where the triangle's indices begin. One function without calls: it runs for millions of pixels. */
function paintPixel(
  { size, colours }: Target,
  { surface, projected }: Layer,
  pixel: number,
  at: number,
): void {
  const { x, y, nearness, light, gloss } = projected;
  const { indices, texture, uvs, colour } = surface;
  const a = indices[at]!;
  const b = indices[at + 1]!;
  const c = indices[at + 2]!;
  const px = (pixel % size) + 0.5;
  const py = Math.floor(pixel / size) + 0.5;
  // Perspective: what is linear on the surface is so on the screen once it is divided by the distance.
  const partA = ((x[b]! - px) * (y[c]! - py) - (x[c]! - px) * (y[b]! - py)) * nearness[a]!;
  const partB = ((x[c]! - px) * (y[a]! - py) - (x[a]! - px) * (y[c]! - py)) * nearness[b]!;
  const partC = ((x[a]! - px) * (y[b]! - py) - (x[b]! - px) * (y[a]! - py)) * nearness[c]!;
  const sum = partA + partB + partC;
  const lit = (partA * light[a]! + partB * light[b]! + partC * light[c]!) / sum;
  const shine = (partA * gloss[a]! + partB * gloss[b]! + partC * gloss[c]!) / sum;
  if (!texture || !uvs) {
    for (let k = 0; k < 3; k++) colours[pixel * 3 + k] = colour[k]! * lit + shine;
    return;
  }
  const { width, height, data } = texture;
  const u = (partA * uvs[a * 2]! + partB * uvs[b * 2]! + partC * uvs[c * 2]!) / sum;
  const v = (partA * uvs[a * 2 + 1]! + partB * uvs[b * 2 + 1]! + partC * uvs[c * 2 + 1]!) / sum;
  const textureX = clamp(u * width - 0.5, 0, width - 1);
  const textureY = clamp(v * height - 0.5, 0, height - 1);
  const column = Math.floor(textureX);
  const row = Math.floor(textureY);
  const upper = (row * width + column) * 3;
  const lower = upper + (row + 1 < height ? width * 3 : 0);
  const next = column + 1 < width ? 3 : 0;
  const across = textureX - column;
  const down = textureY - row;
  for (let k = 0; k < 3; k++) {
    const above = data[upper + k]! + (data[upper + next + k]! - data[upper + k]!) * across;
    const below = data[lower + k]! + (data[lower + next + k]! - data[lower + k]!) * across;
    colours[pixel * 3 + k] = (above + (below - above) * down) * lit + shine;
  }
}
