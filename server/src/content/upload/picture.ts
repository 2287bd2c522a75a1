/**
 * What an uploaded picture must be, and what is stored instead of it (C1).
 * Owns: sniffing, limits, decoding, re-encoding, and the hashes by which a picture is recognised.
 * Does not own: the upload's transport, moderation, storage.
 */
import { createHash } from "node:crypto";
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import { fileTypeFromBuffer } from "file-type";
import sharp, { type Metadata } from "sharp";
import sharpPhash from "sharp-phash";

export type PictureMime = "image/jpeg" | "image/png" | "image/webp" | "image/gif";

export interface AcceptedPicture {
  ok: true;
  /** What is stored and served; never the uploaded bytes. */
  webp: Uint8Array;
  /** Of `webp`, hex. */
  sha256: string;
  /** Perceptual hash of `webp`: 64 bits as 16 hex characters. */
  phash: string;
  /** Of `webp`, pixels. */
  width: number;
  height: number;
  /** What was uploaded, by its content. */
  sourceMime: PictureMime;
}

export type Intake = AcceptedPicture | { ok: false; code: ErrorCode };

/** The decoder that each type must be read by. */
const DECODERS: Readonly<Record<PictureMime, string>> = {
  "image/jpeg": "jpeg",
  "image/png": "png",
  "image/webp": "webp",
  "image/gif": "gif",
};
/** All frames of an animation together. */
const MAX_PIXELS = 40_000_000;
const MIN_SIDE = 64;
const STORED_SIDE = 1_600;
const WEBP = { quality: 86, effort: 4 } as const;

/** Its types say `{ default }`; what the package exports is the function itself. */
const phashBits = sharpPhash as unknown as (picture: Uint8Array) => Promise<string>;

/** The picture's type by its content; undefined for everything that C1 does not take, SVG and APNG among it. */
export async function sniffPicture(bytes: Uint8Array): Promise<PictureMime | undefined> {
  const mime = (await fileTypeFromBuffer(bytes))?.mime;
  return mime !== undefined && isPictureMime(mime) ? mime : undefined;
}

/**
 * C1: checks an upload and makes the WebP that stands for it from then on: first frame, upright, sRGB, longest side
 * 1,600 px, no metadata, transparency kept. The same bytes always give the same WebP.
 * Answers a PICTURE_* code instead of throwing for whatever the bytes are.
 */
export async function acceptPicture(bytes: Uint8Array, limits: { maxBytes: number }): Promise<Intake> {
  if (bytes.length === 0) return refused("PICTURE_EMPTY");
  if (bytes.length > limits.maxBytes) return refused("PICTURE_TOO_LARGE");
  const sourceMime = await sniffPicture(bytes);
  if (!sourceMime) return refused("PICTURE_TYPE_UNSUPPORTED");

  const head = await readable(() => sharp(bytes, { limitInputPixels: false, animated: true }).metadata());
  // Sniffed as one type and read as another: made to be two things at once.
  if (!head || head.format !== DECODERS[sourceMime]) return refused("PICTURE_BROKEN");
  if (head.width * head.height > MAX_PIXELS) return refused("PICTURE_TOO_MANY_PIXELS");
  if (Math.min(head.width, frameHeight(head)) < MIN_SIDE) return refused("PICTURE_TOO_SMALL");

  const stored = await readable(() =>
    sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .autoOrient()
      .resize({ width: STORED_SIDE, height: STORED_SIDE, fit: "inside", withoutEnlargement: true })
      .webp(WEBP)
      .toBuffer({ resolveWithObject: true }),
  );
  if (!stored) return refused("PICTURE_BROKEN");
  const { width, height } = stored.info;
  // A long strip is large when it comes and a thread once it is scaled.
  if (Math.min(width, height) < MIN_SIDE) return refused("PICTURE_TOO_SMALL");
  return {
    ok: true,
    webp: stored.data,
    sha256: createHash("sha256").update(stored.data).digest("hex"),
    phash: await phashOf(stored.data),
    width,
    height,
    sourceMime,
  };
}

/** R7: how many of the 64 bits of two perceptual hashes (16 hex characters each) differ. */
export function phashDistance(a: string, b: string): number {
  let differing = BigInt(`0x${a}`) ^ BigInt(`0x${b}`);
  let distance = 0;
  for (; differing > 0n; differing &= differing - 1n) distance++;
  return distance;
}

/**
 * Perceptual hash of a picture: 64 bits as 16 hex characters.
 * It reads one channel of grey; transparency would be a second one between its pixels.
 */
export async function phashOf(webp: Uint8Array): Promise<string> {
  const opaque = await sharp(webp).flatten({ background: "#ffffff" }).png({ compressionLevel: 1 }).toBuffer();
  const bits = await phashBits(opaque);
  return BigInt(`0b${bits}`).toString(16).padStart(16, "0");
}

/** What the decoder makes of an upload; undefined where it refuses the bytes, whatever its words for that. */
async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}

const refused = (code: ErrorCode): Intake => ({ ok: false, code });
const isPictureMime = (mime: string): mime is PictureMime => Object.hasOwn(DECODERS, mime);
const frameHeight = (head: Metadata): number => head.pageHeight ?? head.height;
