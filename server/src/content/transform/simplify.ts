/**
 * Fewer triangles for the same shape.
 * Owns: the call to meshoptimizer and dropping of unused vertices. Does not own: how meshes are made.
 */
import { MeshoptSimplifier } from "meshoptimizer";
import type { Mesh } from "./mesh.ts";

/** Greatest deviation, as a share of the mesh's extent. */
const MAX_ERROR = 0.0006;
/** How much a bent normal counts beside a moved vertex: without it, smooth surfaces get streaks of light. */
const NORMAL_WEIGHTS = [0.1, 0.1, 0.1];
/** Three such meshes stay under the budget of a model (C5). */
const MAX_TRIANGLES = 19_000;
const COMPONENTS = 3;

/** As few triangles as the permitted deviation allows, and never more than a viewer on a phone draws with ease. */
export async function simplifyMesh(mesh: Mesh): Promise<Mesh> {
  await MeshoptSimplifier.ready;
  const faithful = reduce(mesh, 0, MAX_ERROR);
  const isLight = faithful.indices.length <= MAX_TRIANGLES * 3;
  return isLight ? faithful : reduce(faithful, MAX_TRIANGLES * 3, 1);
}

function reduce(mesh: Mesh, targetIndices: number, maxError: number): Mesh {
  const [indices] = MeshoptSimplifier.simplifyWithAttributes(
    mesh.indices,
    mesh.positions,
    COMPONENTS,
    mesh.normals,
    COMPONENTS,
    NORMAL_WEIGHTS,
    null,
    targetIndices,
    maxError,
  );
  return compact({ ...mesh, indices });
}

function compact(mesh: Mesh): Mesh {
  const renumbered = new Int32Array(mesh.positions.length / 3).fill(-1);
  const kept: number[] = [];
  const indices = mesh.indices.map((vertex) => {
    if (renumbered[vertex]! < 0) renumbered[vertex] = kept.push(vertex) - 1;
    return renumbered[vertex]!;
  });
  return {
    positions: pick(mesh.positions, kept, 3),
    normals: pick(mesh.normals, kept, 3),
    uvs: pick(mesh.uvs, kept, 2),
    indices,
  };
}

function pick(values: Float32Array, vertices: readonly number[], size: number): Float32Array {
  const out = new Float32Array(vertices.length * size);
  vertices.forEach((vertex, to) => {
    for (let k = 0; k < size; k++) out[to * size + k] = values[vertex * size + k]!;
  });
  return out;
}
