/**
 * Fewer triangles for the same shape.
 * Owns: the call to meshoptimizer and dropping of unused vertices. Does not own: how meshes are made.
 */
// biome-ignore-all lint/style/noNonNullAssertion: typed arrays are dense and every loop stays within their length.
import { MeshoptSimplifier } from "meshoptimizer";
import type { Mesh } from "./mesh.ts";

/** Greatest deviation, as a share of the mesh's extent. */
const MAX_ERROR = 0.0006;
const COMPONENTS = 3;

/** As few triangles as the permitted deviation allows. */
export async function simplifyMesh(mesh: Mesh): Promise<Mesh> {
  await MeshoptSimplifier.ready;
  const [indices] = MeshoptSimplifier.simplify(mesh.indices, mesh.positions, COMPONENTS, 0, MAX_ERROR);
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
