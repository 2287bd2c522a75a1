/** Ways to spoil a GLB, for tests of what refuses it. Owns: changing the document, its JSON, its bytes. */
import { type Document, NodeIO } from "@gltf-transform/core";
import { KHRMaterialsClearcoat, KHRMeshQuantization } from "@gltf-transform/extensions";
import sharp from "sharp";

const io = (): NodeIO => new NodeIO().registerExtensions([KHRMaterialsClearcoat, KHRMeshQuantization]);

/** The model with something changed in it; still sound glTF if `change` leaves it so. */
export async function changed(glb: Uint8Array, change: (document: Document) => unknown): Promise<Uint8Array> {
  const document = await io().readBinary(glb);
  await change(document);
  return io().writeBinary(document);
}

export const HEADER = 12;
export const CHUNK_HEADER = 8;
export const JSON_LENGTH_AT = 12;
const SPACE = 0x20;

interface GlbJson {
  images: { uri?: string; bufferView?: number; mimeType?: string; [other: string]: unknown }[];
  accessors: { count: number; bufferView?: number }[];
  bufferViews: { byteOffset?: number; byteLength: number }[];
  asset: Record<string, unknown>;
}

/** The GLB with another JSON chunk: what no library would write. */
export function rewritten(glb: Uint8Array, change: (json: GlbJson) => void): Uint8Array {
  const bytes = Buffer.from(glb);
  const start = HEADER + CHUNK_HEADER;
  const end = start + bytes.readUInt32LE(JSON_LENGTH_AT);
  const json = JSON.parse(bytes.toString("utf8", start, end)) as GlbJson;
  change(json);
  const text = Buffer.from(JSON.stringify(json));
  const chunk = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4, SPACE)]);
  const head = Buffer.from(bytes.subarray(0, start));
  head.writeUInt32LE(start + chunk.length + bytes.length - end, 8);
  head.writeUInt32LE(chunk.length, JSON_LENGTH_AT);
  return Buffer.concat([head, chunk, bytes.subarray(end)]);
}

/** The GLB with `count` bytes of its binary chunk set to `value`, from `at` on. */
export function scribbled(glb: Uint8Array, at: number, count: number, value: number): Uint8Array {
  return Buffer.from(glb).fill(value, at, at + count);
}

const binaryStart = (glb: Uint8Array): number =>
  HEADER + 2 * CHUNK_HEADER + Buffer.from(glb).readUInt32LE(JSON_LENGTH_AT);

/** Where the picture of a GLB's first image lies, bytes from the start of the file. */
export function imageRange(glb: Uint8Array): { at: number; length: number } {
  let range = { at: 0, length: 0 };
  rewritten(glb, (json) => {
    const view = json.bufferViews[json.images[0]?.bufferView ?? 0];
    range = { at: binaryStart(glb) + (view?.byteOffset ?? 0), length: view?.byteLength ?? 0 };
  });
  return range;
}

export const plain = (side: number, background: string): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer();

/** Noise from a fixed seed: nothing packs it. */
export async function noise(side: number): Promise<Buffer> {
  let seed = 7;
  const data = Uint8Array.from({ length: side * side * 3 }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 24;
  });
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}
