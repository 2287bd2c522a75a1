/**
 * The picture frame round every model.
 * Owns: swept profiles and flat panels along a rounded rectangle. Does not own: colours, what is inside the frame.
 */
import { type Mesh, MeshBuilder } from "./mesh.ts";

/** A point of a closed path and the direction outwards there. */
export interface PathPoint {
  readonly x: number;
  readonly y: number;
  readonly outX: number;
  readonly outY: number;
}

/** A point of a profile: how far outwards from the path, and how high. */
export type ProfilePoint = readonly [out: number, z: number];

const CORNER_STEPS = 6;

/** Counter-clockwise, the middle at 0, 0. */
export function roundedRectangle(width: number, height: number, radius: number): PathPoint[] {
  const middles = [
    { x: width / 2 - radius, y: height / 2 - radius },
    { x: -width / 2 + radius, y: height / 2 - radius },
    { x: -width / 2 + radius, y: -height / 2 + radius },
    { x: width / 2 - radius, y: -height / 2 + radius },
  ];
  return middles.flatMap((middle, quarter) =>
    Array.from({ length: CORNER_STEPS + 1 }, (_, step) => {
      const angle = ((quarter + step / CORNER_STEPS) * Math.PI) / 2;
      const outX = Math.cos(angle);
      const outY = Math.sin(angle);
      return { x: middle.x + radius * outX, y: middle.y + radius * outY, outX, outY };
    }),
  );
}

/** The profile drawn along the path; each stretch of it has normals of its own, so that its ridges stay crisp. */
export function sweep(path: readonly PathPoint[], profile: readonly ProfilePoint[]): Mesh {
  const builder = new MeshBuilder();
  for (let k = 0; k + 1 < profile.length; k++) {
    const stretch = profile.slice(k, k + 2);
    const rings = stretch.map(([out, z]) =>
      path.map((point) => builder.vertex(point.x + point.outX * out, point.y + point.outY * out, z, 0, 0)),
    );
    const [near = [], far = []] = rings;
    for (let j = 0; j < path.length; j++) {
      const next = (j + 1) % path.length;
      const [a, b, c, d] = [near[j] ?? 0, far[j] ?? 0, near[next] ?? 0, far[next] ?? 0];
      builder.triangle(a, d, c);
      builder.triangle(a, b, d);
    }
  }
  return builder.build();
}

/** A flat panel that fills the path widened by `out`, facing backwards. */
export function backPanel(path: readonly PathPoint[], out: number, z: number): Mesh {
  const builder = new MeshBuilder();
  const middle = builder.vertex(0, 0, z, 0, 0);
  const ring = path.map((point) =>
    builder.vertex(point.x + point.outX * out, point.y + point.outY * out, z, 0, 0),
  );
  ring.forEach((vertex, j) => {
    builder.triangle(middle, ring[(j + 1) % ring.length] ?? vertex, vertex);
  });
  return builder.build();
}
