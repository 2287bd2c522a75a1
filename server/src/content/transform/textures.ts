/**
 * The pictures that are put on a model's surfaces.
 * Owns: the stage's background with the subject taken out and its shadow, the sticker, baked shade, JPEG encoding.
 * Does not own: shapes.
 */
import { type Captions, captionHole } from "./captions.ts";
import {
  boxBlur,
  clamp,
  type Field,
  fieldOf,
  gaussianBlur,
  mapField,
  mix,
  resizeField,
  smoothstep,
} from "./fields.ts";
import { fillHoles } from "./inpaint.ts";
import { longestSide, openPicture, type Picture, paintPicture, resizePicture } from "./picture.ts";

/** How far around the subject the background is filled in, and where its shadow falls, in longest sides. */
const HOLE_MARGIN = 0.022;
const SHADOW_RIGHT = 0.012;
const SHADOW_DOWN = 0.022;
const SHADOW_GROWTH = 0.014;
const SHADOW_SOFTNESS = 1 / 45;
const SHADOW_STRENGTH = 0.5;
/** Width and darkness of the shade that the frame throws on the picture's border. */
const BORDER_SHADE = 0.07;
const BORDER_LIGHT = 0.55;
/** How far around letters a picture is filled in; a repainted picture has them less exactly in their place. */
const LETTER_REACH = 1 / 200;
const PAINTED_LETTER_REACH = 1 / 50;
const STICKER_WHITE = 250;
const MAX_TEXTURE_BYTES = 260_000;
const LOWER_QUALITIES = [65, 50, 35];

/**
 * The colours a model is painted with when they are not the source's own: `texture` stretched over it, with raised
 * letters taken out. Printed letters keep the source's pixels: a painted-over text cannot be read.
 */
export async function colourWith(source: Picture, texture: Picture, captions: Captions): Promise<Picture> {
  const stretched = await resizePicture(texture, source.width, source.height);
  if (captions.kind === "none") return stretched;
  if (captions.kind === "raised") return fillHoles(stretched, captionHole(captions, PAINTED_LETTER_REACH));
  const band = boxBlur(captions.mask, Math.max(2, Math.round(longestSide(source) / 120)));
  return paintPicture(source, (pixel, out) => {
    const part = clamp(band.data[pixel]! * 6);
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = mix(stretched.data[i]!, source.data[i]!, part);
  });
}

/** The source without its raised letters; they become solids of their own. */
export async function withoutCaptions(source: Picture, captions: Captions): Promise<Picture> {
  return captions.kind === "raised" ? fillHoles(source, captionHole(captions, LETTER_REACH)) : source;
}

/** The letters' colours: the source's, black outside them, so that their walls are dark all round. */
export function letterColours(source: Picture, { mask }: Captions): Picture {
  const soft = gaussianBlur(mask, 1);
  return paintPicture(source, (pixel, out) => {
    const own = smoothstep(0.4, 0.9, soft.data[pixel]!);
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = source.data[i]! * own;
  });
}

/** What lies behind the subject, filled in where it was, with its contact shadow. `outline`: see Subject. */
export async function behindSubject(picture: Picture, outline: Field): Promise<Picture> {
  const hole = mapField(outline, (value) => (value > -HOLE_MARGIN ? 1 : 0));
  const filled = await fillHoles(picture, hole);
  const shadow = resizeField(shadowOf(outline), picture.width, picture.height);
  return paintPicture(picture, (pixel, out) => {
    const light = 1 - SHADOW_STRENGTH * shadow.data[pixel]!;
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = filled.data[i]! * light;
  });
}

function shadowOf(outline: Field): Field {
  const { width, height } = outline;
  const side = longestSide(outline);
  const right = Math.round(side * SHADOW_RIGHT);
  const down = Math.round(side * SHADOW_DOWN);
  const cast = fieldOf(width, height, (x, y) => {
    const from = clamp(y - down, 0, height - 1) * width + clamp(x - right, 0, width - 1);
    return outline.data[from]! > -SHADOW_GROWTH ? 1 : 0;
  });
  return gaussianBlur(cast, side * SHADOW_SOFTNESS);
}

/** The subject's colours with the sticker's white edge round it. */
export function stickerOf(picture: Picture, outline: Field): Picture {
  const pixels = longestSide(picture);
  const distance = resizeField(outline, picture.width, picture.height);
  return paintPicture(picture, (pixel, out) => {
    const white = clamp(0.5 - (distance.data[pixel]! * pixels) / 2);
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = mix(picture.data[i]!, STICKER_WHITE, white);
  });
}

/** Darkens the border, where the frame stands above the picture. */
export function shadeBorder(picture: Picture): Picture {
  const { width, height } = picture;
  const side = longestSide(picture);
  return paintPicture(picture, (pixel, out) => {
    const x = pixel % width;
    const y = (pixel - x) / width;
    const fromEdge = Math.min(x, width - 1 - x, y, height - 1 - y) / side;
    const light = BORDER_LIGHT + (1 - BORDER_LIGHT) * smoothstep(0, BORDER_SHADE, fromEdge);
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = picture.data[i]! * light;
  });
}

/** `side`: longest side of the encoded picture, pixels. Noisy pictures get a lower quality to keep the model light. */
export async function toJpeg(picture: Picture, quality: number, side: number): Promise<Uint8Array> {
  const resized = openPicture(picture).resize(side, side, { fit: "inside", withoutEnlargement: true });
  const encode = (at: number): Promise<Buffer> =>
    resized.clone().jpeg({ quality: at, chromaSubsampling: "4:2:0" }).toBuffer();
  let jpeg = await encode(quality);
  for (const lower of LOWER_QUALITIES) {
    if (jpeg.length <= MAX_TEXTURE_BYTES) break;
    jpeg = await encode(lower);
  }
  return jpeg;
}

/** The picture's liveliest colour, darkened for a frame: linear red, green, blue, 0..1. */
export function frameColour({ data }: Picture): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  let weights = 0;
  const everySeventh = 7 * 3;
  for (let i = 0; i + 2 < data.length; i += everySeventh) {
    const [red, green, blue] = [data[i]! / 255, data[i + 1]! / 255, data[i + 2]! / 255];
    const weight = (Math.max(red, green, blue) - Math.min(red, green, blue)) ** 2 + 0.002;
    sums[0] += red * weight;
    sums[1] += green * weight;
    sums[2] += blue * weight;
    weights += weight;
  }
  const [red, green, blue] = sums.map((sum) => sum / weights) as [number, number, number];
  const darken = 0.16 / Math.max(0.3 * red + 0.59 * green + 0.11 * blue, 0.05);
  const tone = (value: number): number => clamp((value * darken) ** 1.6, 0.004, 0.4);
  return [tone(red), tone(green), tone(blue)];
}
