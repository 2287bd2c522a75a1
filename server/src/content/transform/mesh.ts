/**
 * Triangle meshes: what they are, and how a field's outline becomes a solid.
 * Owns: building, normals, marching-squares extrusion. Does not own: swept frames, simplification, glTF.
 */
import type { Field } from "./fields.ts";

/** Indexed triangles, counter-clockwise seen from outside. */
export interface Mesh {
  /** x, y, z a vertex; the picture's longest side is 1. */
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  /** u, v a vertex, v down. */
  readonly uvs: Float32Array;
  readonly indices: Uint32Array;
}

/** Collects vertices and triangles. */
export class MeshBuilder {
  readonly #positions: number[] = [];
  readonly #uvs: number[] = [];
  readonly #indices: number[] = [];

  /** Returns the vertex' number. */
  vertex(x: number, y: number, z: number, u: number, v: number): number {
    this.#positions.push(x, y, z);
    this.#uvs.push(u, v);
    return this.#uvs.length / 2 - 1;
  }

  /** A copy of a vertex with a normal of its own, at height `z` if given. */
  copy(vertex: number, z?: number): number {
    const at = vertex * 3;
    const height = z ?? this.#positions[at + 2]!;
    return this.vertex(
      this.#positions[at]!,
      this.#positions[at + 1]!,
      height,
      this.#uvs[vertex * 2]!,
      this.#uvs[vertex * 2 + 1]!,
    );
  }

  triangle(a: number, b: number, c: number): void {
    this.#indices.push(a, b, c);
  }

  build(): Mesh {
    const positions = Float32Array.from(this.#positions);
    const indices = Uint32Array.from(this.#indices);
    const normals = smoothNormals(positions, indices);
    return { positions, normals, uvs: Float32Array.from(this.#uvs), indices };
  }
}

/** Vertex normals, weighted by the area of the triangles that share the vertex. */
function smoothNormals(positions: Float32Array, indices: Uint32Array): Float32Array {
  const normals = new Float32Array(positions.length);
  for (let k = 0; k < indices.length; k += 3) {
    const a = indices[k]! * 3;
    const b = indices[k + 1]! * 3;
    const c = indices[k + 2]! * 3;
    const ux = positions[b]! - positions[a]!;
    const uy = positions[b + 1]! - positions[a + 1]!;
    const uz = positions[b + 2]! - positions[a + 2]!;
    const vx = positions[c]! - positions[a]!;
    const vy = positions[c + 1]! - positions[a + 1]!;
    const vz = positions[c + 2]! - positions[a + 2]!;
    const nx = uy * vz - uz * vy;
    const ny = uz * vx - ux * vz;
    const nz = ux * vy - uy * vx;
    for (let corner = 0; corner < 3; corner++) {
      const at = corner === 0 ? a : corner === 1 ? b : c;
      normals[at] = normals[at]! + nx;
      normals[at + 1] = normals[at + 1]! + ny;
      normals[at + 2] = normals[at + 2]! + nz;
    }
  }
  for (let at = 0; at < normals.length; at += 3) normalise(normals, at);
  return normals;
}

/** A vertex of no area faces the viewer: glTF wants unit normals everywhere. */
function normalise(normals: Float32Array, at: number): void {
  const length = Math.sqrt(normals[at]! ** 2 + normals[at + 1]! ** 2 + normals[at + 2]! ** 2);
  if (length < 1e-20) {
    normals[at + 2] = 1;
    return;
  }
  normals[at] = normals[at]! / length;
  normals[at + 1] = normals[at + 1]! / length;
  normals[at + 2] = normals[at + 2]! / length;
}

/** Corners and edge crossings of one cell, clockwise from the upper left. */
const TOP_LEFT = 0;
const TOP = 1;
const TOP_RIGHT = 2;
const RIGHT = 3;
const BOTTOM_RIGHT = 4;
const BOTTOM = 5;
const BOTTOM_LEFT = 6;
const LEFT = 7;

/** Polygons by which corners are inside: bit 0 upper left, 1 upper right, 2 lower right, 3 lower left. */
const CELLS: readonly (readonly (readonly number[])[])[] = [
  [],
  [[TOP_LEFT, TOP, LEFT]],
  [[TOP_RIGHT, RIGHT, TOP]],
  [[TOP_LEFT, TOP_RIGHT, RIGHT, LEFT]],
  [[BOTTOM_RIGHT, BOTTOM, RIGHT]],
  [
    [TOP_LEFT, TOP, LEFT],
    [BOTTOM_RIGHT, BOTTOM, RIGHT],
  ],
  [[TOP_RIGHT, BOTTOM_RIGHT, BOTTOM, TOP]],
  [[TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM, LEFT]],
  [[BOTTOM_LEFT, LEFT, BOTTOM]],
  [[BOTTOM_LEFT, TOP_LEFT, TOP, BOTTOM]],
  [
    [TOP_RIGHT, RIGHT, TOP],
    [BOTTOM_LEFT, LEFT, BOTTOM],
  ],
  [[BOTTOM_LEFT, TOP_LEFT, TOP_RIGHT, RIGHT, BOTTOM]],
  [[BOTTOM_RIGHT, BOTTOM_LEFT, LEFT, RIGHT]],
  [[BOTTOM_RIGHT, BOTTOM_LEFT, TOP_LEFT, TOP, RIGHT]],
  [[TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT, LEFT, TOP]],
  [[TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT]],
];
/** Crossings keep this far from a cell's corners, so that no triangle is a sliver. */
const CROSSING_MARGIN = 0.02;

export interface ExtrudeOptions {
  /** Where the solid is: above 0. */
  readonly shape: Field;
  /** Height of the front, of the size of `shape`; the outline itself lies at `rimZ`. */
  readonly front: Field;
  readonly rimZ: number;
  /** How far the walls reach back. */
  readonly backZ: number;
  /** Size in the scene; the middle is at 0, 0. */
  readonly width: number;
  readonly height: number;
}

/** The shape's front and its walls, crisp where they meet; open at the back, which the stage hides. */
export function extrude(options: ExtrudeOptions): Mesh {
  const builder = new MeshBuilder();
  const rim = traceFront(builder, options);
  const tops = new Map<number, number>();
  const feet = new Map<number, number>();
  const copyOnce = (copies: Map<number, number>, vertex: number, z?: number): number => {
    const known = copies.get(vertex);
    if (known !== undefined) return known;
    const made = builder.copy(vertex, z);
    copies.set(vertex, made);
    return made;
  };
  for (const [from, to] of rim) {
    const topFrom = copyOnce(tops, from);
    const topTo = copyOnce(tops, to);
    const footFrom = copyOnce(feet, from, options.backZ);
    const footTo = copyOnce(feet, to, options.backZ);
    builder.triangle(topFrom, topTo, footTo);
    builder.triangle(topFrom, footTo, footFrom);
  }
  return builder.build();
}

/** Adds the front's triangles; returns the rim's edges. */
function traceFront(builder: MeshBuilder, options: ExtrudeOptions): [number, number][] {
  const { width, height, data } = options.shape;
  const pointOf = createPoints(builder, options);
  const rim: [number, number][] = [];
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const i = y * width + x;
      const cell =
        (data[i]! > 0 ? 1 : 0) +
        (data[i + 1]! > 0 ? 2 : 0) +
        (data[i + width + 1]! > 0 ? 4 : 0) +
        (data[i + width]! > 0 ? 8 : 0);
      for (const polygon of CELLS[cell]!) {
        const points = polygon.map((kind) => pointOf(kind, x, y));
        for (let k = 1; k < points.length - 1; k++) {
          builder.triangle(points[0]!, points[k + 1]!, points[k]!);
        }
        for (let k = 0; k < points.length; k++) {
          const next = (k + 1) % points.length;
          // Odd kinds are crossings: an edge between two of them is the outline.
          if (polygon[k]! % 2 === 1 && polygon[next]! % 2 === 1) rim.push([points[k]!, points[next]!]);
        }
      }
    }
  }
  return rim;
}

/** Vertices of the front by kind and cell, each made once. */
function createPoints(builder: MeshBuilder, options: ExtrudeOptions) {
  const { shape, front, rimZ } = options;
  const { width, height, data } = shape;
  const corners = new Int32Array(data.length).fill(-1);
  const across = new Int32Array(data.length).fill(-1);
  const down = new Int32Array(data.length).fill(-1);
  const vertex = (x: number, y: number, z: number): number => {
    const u = x / (width - 1);
    const v = y / (height - 1);
    return builder.vertex((u - 0.5) * options.width, (0.5 - v) * options.height, z, u, v);
  };
  const corner = (x: number, y: number): number => {
    const i = y * width + x;
    if (corners[i]! < 0) corners[i] = vertex(x, y, front.data[i]!);
    return corners[i]!;
  };
  const crossing = (made: Int32Array, x: number, y: number, dx: number, dy: number): number => {
    const i = y * width + x;
    if (made[i]! >= 0) return made[i]!;
    const from = data[i]!;
    const raw = from / (from - data[i + dx + dy * width]!);
    const t = Math.min(1 - CROSSING_MARGIN, Math.max(CROSSING_MARGIN, raw));
    made[i] = vertex(x + dx * t, y + dy * t, rimZ);
    return made[i]!;
  };
  const makers = [
    (x: number, y: number) => corner(x, y),
    (x: number, y: number) => crossing(across, x, y, 1, 0),
    (x: number, y: number) => corner(x + 1, y),
    (x: number, y: number) => crossing(down, x + 1, y, 0, 1),
    (x: number, y: number) => corner(x + 1, y + 1),
    (x: number, y: number) => crossing(across, x, y + 1, 1, 0),
    (x: number, y: number) => corner(x, y + 1),
    (x: number, y: number) => crossing(down, x, y, 0, 1),
  ];
  return (kind: number, x: number, y: number): number => makers[kind]!(x, y);
}
