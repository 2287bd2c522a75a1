/**
 * A GLB's triangles, ready to be drawn and measured.
 * Owns: reading meshes, materials and textures into world space. Does not own: drawing them.
 */
import type { Node, Primitive, Texture } from "@gltf-transform/core";
import sharp from "sharp";
import { createGltfIo } from "./gltf.ts";
import type { Picture } from "./picture.ts";

/** Triangles in world space, with what is needed to shade them. */
export interface Surface {
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  /** Undefined where there is no texture, not absent: drawing is much slower on objects of several shapes. */
  readonly uvs: Float32Array | undefined;
  readonly indices: ArrayLike<number>;
  readonly texture: Picture | undefined;
  /** 0..255, for surfaces without texture. */
  readonly colour: readonly [number, number, number];
  readonly roughness: number;
  readonly metallic: number;
}

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
  const material = primitive.getMaterial();
  const matrix = node.getWorldMatrix();
  const uvs = primitive.getAttribute("TEXCOORD_0") ? elementsOf(primitive, "TEXCOORD_0", 2) : undefined;
  const [red = 1, green = 1, blue = 1] = material?.getBaseColorFactor() ?? [];
  const isTextured = texture !== undefined && uvs !== undefined;
  return {
    positions: transform(elementsOf(primitive, "POSITION", 3), matrix, 1),
    normals: transform(elementsOf(primitive, "NORMAL", 3), matrix, 0),
    uvs: isTextured ? uvs : undefined,
    texture: isTextured ? texture : undefined,
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
