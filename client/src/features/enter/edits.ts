/** What a creator does to a picture before it is uploaded. Pure. Does not own: drawing it, the controls. */

/** Of the turned picture's sides, 0..1. */
export interface Crop {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Edits {
  /** Quarter turns clockwise, before cropping. */
  turns: 0 | 1 | 2 | 3;
  crop: Crop;
  top: string;
  bottom: string;
  /** In capitals, as memes are. */
  capitals: boolean;
}

export const WHOLE: Crop = { left: 0, top: 0, width: 1, height: 1 };
export const UNTOUCHED: Edits = { turns: 0, crop: WHOLE, top: "", bottom: "", capitals: true };

/** Stored pictures have at most so many pixels a side (C1). */
export const LONGEST = 1_600;

/** True when the file itself can be uploaded, byte for byte. */
export function isUntouched({ turns, crop, top, bottom }: Edits): boolean {
  const whole = crop.left === 0 && crop.top === 0 && crop.width === 1 && crop.height === 1;
  return turns === 0 && whole && top.trim() === "" && bottom.trim() === "";
}

export interface Size {
  width: number;
  height: number;
}

/** The picture's size once it is turned, px. */
export const turnedSize = ({ width, height }: Size, turns: Edits["turns"]): Size =>
  turns % 2 === 0 ? { width, height } : { width: height, height: width };

/** The part that is left, in pixels of the turned picture, and the size it is drawn at. */
export function frameOf(
  source: Size,
  { turns, crop }: Pick<Edits, "turns" | "crop">,
): { part: Crop; size: Size } {
  const turned = turnedSize(source, turns);
  const part = {
    left: Math.round(crop.left * turned.width),
    top: Math.round(crop.top * turned.height),
    width: Math.max(1, Math.round(crop.width * turned.width)),
    height: Math.max(1, Math.round(crop.height * turned.height)),
  };
  const scale = Math.min(1, LONGEST / Math.max(part.width, part.height));
  const size = {
    width: Math.max(1, Math.round(part.width * scale)),
    height: Math.max(1, Math.round(part.height * scale)),
  };
  return { part, size };
}

/** The largest crop of this shape (width over height) in the middle of the turned picture. */
export function centredCrop(source: Size, turns: Edits["turns"], aspect: number): Crop {
  const { width, height } = turnedSize(source, turns);
  const wide = Math.min(1, (height * aspect) / width);
  const tall = Math.min(1, width / aspect / height);
  return { left: (1 - wide) / 2, top: (1 - tall) / 2, width: wide, height: tall };
}
