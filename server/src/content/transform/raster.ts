/**
 * A small renderer on the CPU: z-buffer, perspective-correct textures, one key light and a highlight.
 * Owns: reading a GLB's triangles and drawing them. Does not own: which views are wanted, encoding.
 */
// biome-ignore-all lint/style/noNonNullAssertion: typed arrays are dense and every loop stays within their length.
import type { Material, Node, Primitive, Texture } from "@gltf-transform/core";
import sharp from "sharp";
import { clamp } from "./fields.ts";
import { createGltfIo } from "./gltf.ts";
import type { Picture } from "./picture.ts";

/** Triangles in world space, with what is needed to shade them. */
export interface Surface {
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  /** Absent where there is no texture. */
  readonly uvs?: Float32Array;
  readonly indices: ArrayLike<number>;
  readonly texture?: Picture;
  /** 0..255, for surfaces without texture. */
  readonly colour: readonly [number, number, number];
  readonly roughness: number;
  readonly metallic: number;
}

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
  /** Distance of each pixel's point before the eye; infinite where there is none. */
  readonly depths: Float32Array;
}

type Vector = readonly [number, number, number];

export const FIELD_OF_VIEW = Math.PI / 6;
const BACKGROUND: Vector = [27, 29, 36];
const LIGHT: Vector = [-0.42, 0.6, 0.68];
const GAMMA = 1 / 2.2;

/** Throws when the bytes are no GLB, or an image in it cannot be decoded. */
export async function loadSurfaces(glb: Uint8Array): Promise<Surface[]> {
  const document = await createGltfIo().readBinary(glb);
  const decoded = new Map<Texture, Promise<Picture>>();
  const pictureOf = (texture: Texture): Promise<Picture> => {
    const known = decoded.get(texture) ?? decodeTexture(texture);
    decoded.set(texture, known);
    return known;
  };
  const drawn = document
    .getRoot()
    .listNodes()
    .flatMap((node) => (node.getMesh()?.listPrimitives() ?? []).map((primitive) => ({ node, primitive })));
  return Promise.all(
    drawn.map(async ({ node, primitive }) => {
      const texture = primitive.getMaterial()?.getBaseColorTexture();
      return toSurface(node, primitive, texture ? await pictureOf(texture) : undefined);
    }),
  );
}

async function decodeTexture(texture: Texture): Promise<Picture> {
  const image = sharp(texture.getImage() ?? new Uint8Array()).removeAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

function toSurface(node: Node, primitive: Primitive, texture: Picture | undefined): Surface {
  const material: Material | null = primitive.getMaterial();
  const matrix = node.getWorldMatrix();
  const uvs = primitive.getAttribute("TEXCOORD_0") ? elementsOf(primitive, "TEXCOORD_0", 2) : undefined;
  const [red = 1, green = 1, blue = 1] = material?.getBaseColorFactor() ?? [];
  const isTextured = texture !== undefined && uvs !== undefined;
  return {
    positions: transform(elementsOf(primitive, "POSITION", 3), matrix, 1),
    normals: transform(elementsOf(primitive, "NORMAL", 3), matrix, 0),
    ...(isTextured ? { texture, uvs } : {}),
    indices: primitive.getIndices()?.getArray() ?? [],
    colour: [255 * red ** GAMMA, 255 * green ** GAMMA, 255 * blue ** GAMMA],
    roughness: material?.getRoughnessFactor() ?? 1,
    metallic: material?.getMetallicFactor() ?? 0,
  };
}

function elementsOf(primitive: Primitive, name: string, size: number): Float32Array {
  const accessor = primitive.getAttribute(name);
  const out = new Float32Array((accessor?.getCount() ?? 0) * size);
  const element: number[] = [];
  for (let i = 0; i * size < out.length; i++) out.set(accessor?.getElement(i, element) ?? [], i * size);
  return out;
}

/** `w` 1 for points; 0 for directions, which come out with length 1. */
function transform(vectors: Float32Array, matrix: readonly number[], w: 0 | 1): Float32Array {
  const out = new Float32Array(vectors.length);
  for (let i = 0; i < vectors.length; i += 3) {
    const [x, y, z] = [vectors[i]!, vectors[i + 1]!, vectors[i + 2]!];
    for (let k = 0; k < 3; k++) {
      out[i + k] = matrix[k]! * x + matrix[4 + k]! * y + matrix[8 + k]! * z + matrix[12 + k]! * w;
    }
    if (w === 1) continue;
    const length = Math.sqrt(out[i]! ** 2 + out[i + 1]! ** 2 + out[i + 2]! ** 2) || 1;
    for (let k = 0; k < 3; k++) out[i + k] = out[i + k]! / length;
  }
  return out;
}

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
  const covered = target.nearness.reduce((count, nearness) => count + (nearness > 0 ? 1 : 0), 0);
  const data = new Uint8Array(target.colours.buffer);
  const depths = target.nearness.map((nearness) => 1 / nearness);
  return { width: size, height: size, data, coverage: covered / (size * size), depths };
}

interface Target {
  readonly size: number;
  readonly colours: Uint8ClampedArray<ArrayBuffer>;
  /** One over the distance; 0 where nothing was drawn. */
  readonly nearness: Float32Array;
}

function createTarget(size: number): Target {
  const colours = new Uint8ClampedArray(size * size * 3);
  for (let i = 0; i < colours.length; i++) colours[i] = BACKGROUND[i % 3]!;
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
  const { x, y, nearness, light, gloss } = projected;
  const [ax, ay, bx, by, cx, cy] = [x[a]!, y[a]!, x[b]!, y[b]!, x[c]!, y[c]!];
  const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
  // The screen's y points down, so what faces the viewer has a negative area; what lies behind the eye is left out.
  if (area >= 0 || nearness[a]! <= 0 || nearness[b]! <= 0 || nearness[c]! <= 0) return;
  const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
  const right = Math.min(target.size - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
  const bottom = Math.min(target.size - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
  for (let py = top; py <= bottom; py++) {
    for (let px = left; px <= right; px++) {
      const partA = ((bx - px - 0.5) * (cy - py - 0.5) - (cx - px - 0.5) * (by - py - 0.5)) / area;
      const partB = ((cx - px - 0.5) * (ay - py - 0.5) - (ax - px - 0.5) * (cy - py - 0.5)) / area;
      const partC = 1 - partA - partB;
      if (partA < 0 || partB < 0 || partC < 0) continue;
      const near = partA * nearness[a]! + partB * nearness[b]! + partC * nearness[c]!;
      const pixel = py * target.size + px;
      if (near <= target.nearness[pixel]!) continue;
      target.nearness[pixel] = near;
      const weightA = (partA * nearness[a]!) / near;
      const weightB = (partB * nearness[b]!) / near;
      const weightC = 1 - weightA - weightB;
      const lit = weightA * light[a]! + weightB * light[b]! + weightC * light[c]!;
      const shine = weightA * gloss[a]! + weightB * gloss[b]! + weightC * gloss[c]!;
      const { texture, uvs } = surface;
      if (texture && uvs) {
        const u = weightA * uvs[a * 2]! + weightB * uvs[b * 2]! + weightC * uvs[c * 2]!;
        const v = weightA * uvs[a * 2 + 1]! + weightB * uvs[b * 2 + 1]! + weightC * uvs[c * 2 + 1]!;
        paintTexel(target.colours, pixel * 3, texture, u, v, lit, shine);
      } else {
        for (let k = 0; k < 3; k++) target.colours[pixel * 3 + k] = surface.colour[k]! * lit + shine;
      }
    }
  }
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
