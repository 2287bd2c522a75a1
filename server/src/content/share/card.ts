/**
 * The picture messengers show beside a link to a meme: the flat meme at the left, its 3D poster at the right (C7). Owns: how
 * it is drawn, and that it is drawn once. Its title is beside it in words, so none is drawn: no host has every script's
 * letters. Does not own: who may see it.
 */
import { createHash } from "node:crypto";
import sharp, { type OverlayOptions } from "sharp";
import type { Redis } from "../../infra/redis.ts";
import type { Media } from "../media/store.ts";
import { CARD } from "./head.ts";

export interface CardDeps {
  redis: Redis;
  media: { get(sha256: string): Promise<Media | undefined> };
}

export interface Card {
  bytes: Uint8Array;
  /** Changes when the picture does. */
  tag: string;
}

/** Longer than a link makes its first round; drawn again after that, s. */
const KEEP_S = 86_400;
/** Part of the key: to be raised with every change of the drawing. */
const LOOK = 1;

/** Cards of memes; asked twice at once, drawn once. */
export function createCards({ redis, media }: CardDeps): {
  cardOf(meme: { memeId: string; poster?: string }): Promise<Card | undefined>;
} {
  let last: Promise<unknown> = Promise.resolve();
  const drawing = new Map<string, Promise<Card | undefined>>();

  const make = async (key: string, tag: string, memeId: string, poster?: string) => {
    const kept = await redis.getBuffer(key);
    if (kept) return { bytes: new Uint8Array(kept), tag };
    const flat = await media.get(memeId);
    const model = poster === undefined ? undefined : await media.get(poster);
    if (!flat || (poster !== undefined && !model)) return undefined;
    // One at a time: this process has players to serve, whoever asks for how many cards.
    const drawn = last.then(() => drawCard(flat.bytes, model?.bytes));
    last = drawn.catch(() => undefined);
    const bytes = await drawn;
    await redis.set(key, Buffer.from(bytes), "EX", KEEP_S);
    return { bytes, tag };
  };

  return {
    async cardOf({ memeId, poster }) {
      const posterId = poster?.slice(poster.lastIndexOf("/") + 1);
      const tag = createHash("sha256")
        .update(`${LOOK}|${memeId}|${posterId ?? ""}`)
        .digest("hex")
        .slice(0, 24);
      const key = `mr:card:${tag}`;
      const known = drawing.get(key);
      if (known) return await known;
      const made = make(key, tag, memeId, posterId).finally(() => drawing.delete(key));
      drawing.set(key, made);
      return await made;
    },
  };
}

const { width: WIDTH, height: HEIGHT } = CARD;
const PIT = "#0a0d08";
const FLAT_SIDE = 410;
const FRAME = 12;
const TILT_DEGREES = -5;
const MARK = "M7 23V9h4l5 7 5-7h4v14h-4v-8l-5 7-5-7v8z";

const svg = (width: number, height: number, body: string): Buffer =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${body}</svg>`,
  );
const mark = (side: number) =>
  svg(
    side,
    side,
    `<g transform="scale(${side / 32})"><rect width="32" height="32" rx="8" fill="#c6ff3d"/><path d="${MARK}" fill="#0d1402"/></g>`,
  );

/** A JPEG of 1200 x 630. Throws sharp's error for a picture that cannot be decoded. */
export async function drawCard(flat: Uint8Array, poster: Uint8Array | undefined): Promise<Uint8Array> {
  const logo = { input: mark(64), left: 36, top: HEIGHT - 64 - 32 };
  const layers = poster ? await pair(flat, poster) : await alone(flat);
  const card = sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: PIT } });
  return await card
    .composite([...layers, logo])
    .jpeg({ quality: 84, mozjpeg: true })
    .toBuffer();
}

/** The whole meme on a dimmed copy of itself. */
async function alone(flat: Uint8Array): Promise<OverlayOptions[]> {
  const behind = await sharp(flat)
    .resize(WIDTH, HEIGHT, { fit: "cover" })
    .flatten({ background: PIT })
    .blur(30)
    .modulate({ brightness: 0.45 })
    .toBuffer();
  const whole = await sharp(flat).resize(WIDTH, HEIGHT, { fit: "inside" }).png().toBuffer();
  return [{ input: behind }, { input: whole, gravity: "centre" }];
}

/** The meme as a tilted print, pointing to what was made of it. */
async function pair(flat: Uint8Array, poster: Uint8Array): Promise<OverlayOptions[]> {
  const right = await sharp(poster).resize(HEIGHT, HEIGHT, { fit: "cover" }).png().toBuffer();
  const print = await sharp(flat)
    .resize(FLAT_SIDE, FLAT_SIDE, { fit: "inside" })
    .flatten({ background: "#ffffff" })
    .extend({ top: FRAME, bottom: FRAME, left: FRAME, right: FRAME, background: "#f1f7e6" })
    .png()
    .toBuffer();
  const tilted = await sharp(print)
    .rotate(TILT_DEGREES, { background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .png()
    .toBuffer({ resolveWithObject: true });
  const centre = { x: 262, y: 290 };
  const arrow = svg(
    120,
    120,
    '<circle cx="60" cy="60" r="52" fill="#c6ff3d"/><path d="M36 60h46M62 38l22 22-22 22" fill="none" stroke="#0d1402" stroke-width="12" stroke-linecap="round" stroke-linejoin="round"/>',
  );
  return [
    { input: right, left: WIDTH - HEIGHT, top: 0 },
    {
      input: tilted.data,
      left: Math.round(centre.x - tilted.info.width / 2),
      top: Math.round(centre.y - tilted.info.height / 2),
    },
    { input: arrow, left: 510, top: 255 },
  ];
}
