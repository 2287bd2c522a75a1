/**
 * Pictures as the transformer sees them: 8-bit sRGB without alpha.
 * Owns: decoding, resizing, encoding, and fields taken from a picture. Does not own: what is done with them.
 */
import sharp, { type Sharp } from "sharp";
import { createField, type Field } from "./fields.ts";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Interleaved RGB, 3 bytes a pixel. */
  readonly data: Uint8Array;
}

/** Of all frames of an animation together. */
const MAX_PIXELS = 40_000_000;
/** A thinner strip is stretched to this share of its longest side: nothing could be told apart on it. */
const THINNEST = 1 / 16;

export function longestSide({ width, height }: { width: number; height: number }): number {
  return Math.max(width, height);
}

/**
 * The first frame, upright, on white, enlarged or shrunk to a longest side of `side` pixels.
 * Throws sharp's error when the bytes are no picture, are cut short, or have over 40 million pixels.
 */
export async function decodePicture(bytes: Uint8Array, side: number): Promise<Picture> {
  const upright = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error" }).rotate();
  const { data, info } = await upright
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .resize(side, side, { fit: "inside" })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const picture = { width: info.width, height: info.height, data };
  const least = Math.round(side * THINNEST);
  if (Math.min(info.width, info.height) >= least) return picture;
  return resizePicture(picture, Math.max(info.width, least), Math.max(info.height, least));
}

export async function resizePicture(picture: Picture, width: number, height: number): Promise<Picture> {
  if (picture.width === width && picture.height === height) return picture;
  const data = await openPicture(picture)
    .resize(width, height, { fit: "fill", kernel: "linear" })
    .raw()
    .toBuffer();
  return { width, height, data };
}

/** Shrunk (never enlarged) to a longest side of `side` pixels. */
export async function shrinkPicture(picture: Picture, side: number): Promise<Picture> {
  const scale = Math.min(1, side / longestSide(picture));
  return resizePicture(
    picture,
    Math.max(1, Math.round(picture.width * scale)),
    Math.max(1, Math.round(picture.height * scale)),
  );
}

export function openPicture({ width, height, data }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** A picture of which `paint` sets each pixel: it gets the pixel's number and the bytes to write at `3 * pixel`. */
export function paintPicture(
  { width, height }: { width: number; height: number },
  paint: (pixel: number, out: Uint8ClampedArray) => void,
): Picture {
  const out = new Uint8ClampedArray(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) paint(pixel, out);
  return { width, height, data: new Uint8Array(out.buffer) };
}

/** Brightness, 0..1. */
export function luminance({ width, height, data }: Picture): Field {
  const out = createField(width, height);
  for (let i = 0; i < out.data.length; i++) {
    const [red, green, blue] = [data[i * 3]!, data[i * 3 + 1]!, data[i * 3 + 2]!];
    out.data[i] = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  }
  return out;
}

/** CIE Lab, each channel over 100. */
export interface LabFields {
  readonly light: Field;
  readonly greenRed: Field;
  readonly blueYellow: Field;
}

export function labOf({ width, height, data }: Picture): LabFields {
  const light = createField(width, height);
  const greenRed = createField(width, height);
  const blueYellow = createField(width, height);
  const linear = Float32Array.from({ length: 256 }, (_, value) => linearLight(value / 255));
  for (let i = 0; i < light.data.length; i++) {
    const red = linear[data[i * 3]!]!;
    const green = linear[data[i * 3 + 1]!]!;
    const blue = linear[data[i * 3 + 2]!]!;
    const x = labCurve((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
    const y = labCurve(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    const z = labCurve((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
    light.data[i] = (116 * y - 16) / 100;
    greenRed.data[i] = 5 * (x - y);
    blueYellow.data[i] = 2 * (y - z);
  }
  return { light, greenRed, blueYellow };
}

function linearLight(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function labCurve(t: number): number {
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
}
