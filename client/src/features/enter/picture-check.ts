/**
 * What can be said about a chosen file before it is sent (C1): sentences, not codes, since nothing went wrong yet. Pure.
 * Does not own: the server's own word, which counts.
 */

export type PictureCheck =
  | { ok: true; note?: string; mustShrink: boolean }
  | { ok: false; sentence: string; advice: string };

export interface ChosenFile {
  /** Bytes. */
  size: number;
  /** The first bytes, at least 32 where there are as many. */
  head: Uint8Array;
}

/** C1. */
const MAX_BYTES = 10 * 1024 * 1024;
/** Nobody's phone makes larger ones; more would only fill the memory of this page. */
const MAX_SHRINKABLE_BYTES = 80 * 1024 * 1024;

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

type Kind = "jpeg" | "png" | "webp" | "gif" | "heic" | "avif" | "svg" | "unknown";

export function kindOf(head: Uint8Array): Kind {
  if (head[0] === 0xff && head[1] === 0xd8) return "jpeg";
  if (ascii(head, 1, 4) === "PNG") return "png";
  if (ascii(head, 0, 4) === "RIFF" && ascii(head, 8, 12) === "WEBP") return "webp";
  if (ascii(head, 0, 3) === "GIF") return "gif";
  if (ascii(head, 4, 8) === "ftyp") {
    const brand = ascii(head, 8, 12);
    if (/^(heic|heix|hevc|heim|heis|mif1|msf1)$/.test(brand)) return "heic";
    if (/^avi[fs]$/.test(brand)) return "avif";
  }
  return /^\s*<(\?xml|svg|!--)/.test(ascii(head, 0, 32)) ? "svg" : "unknown";
}

/** `mustShrink`: too many bytes as it is, but the page can draw it smaller. */
export function checkPicture({ size, head }: ChosenFile): PictureCheck {
  if (size === 0) return no("This file is empty.", "Choose another one.");
  const kind = kindOf(head);
  if (kind === "heic" || kind === "avif")
    return no(
      `This is a ${kind.toUpperCase()} picture, which the arena does not take.`,
      "Save it as JPEG and choose that: on an iPhone, Settings, Camera, Formats, Most Compatible; or take a screenshot of it.",
    );
  if (kind === "svg") return no("This is a drawing in SVG.", "Export it as PNG and choose that.");
  if (kind === "unknown")
    return no("This is not a JPEG, PNG, WebP or GIF.", "Choose a picture in one of these.");
  if (size > MAX_SHRINKABLE_BYTES) return no("This file is larger than 80 MB.", "Make it smaller first.");
  const mustShrink = size > MAX_BYTES;
  if (kind === "gif")
    return mustShrink
      ? no("This GIF is larger than 10 MB.", "Make it smaller, or take a picture of its best moment.")
      : { ok: true, mustShrink: false, note: "Of an animated GIF the first frame counts." };
  return mustShrink
    ? { ok: true, mustShrink, note: "Over 10 MB: it is made smaller before it is sent." }
    : { ok: true, mustShrink };
}

const no = (sentence: string, advice: string): PictureCheck => ({ ok: false, sentence, advice });
