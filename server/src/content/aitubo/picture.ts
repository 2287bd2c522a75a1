/**
 * Whether a picture of AITubo's is fit to be the texture of a model (C4, C5). Owns: what it is measured by, and the
 * file that is kept of it. Does not own: fetching it, the classifier (passed in).
 */
import sharp from "sharp";

/** The classifier's verdict on a picture; C2. */
export type Judge = (picture: Uint8Array) => Promise<"approved" | "review" | "rejected">;

export type Judged = { ok: true; webp: Uint8Array } | { ok: false; reason: string };

const MAX_PIXELS = 40_000_000;
/** Each side, of what was asked for. Smaller, it would blur the meme. */
const MIN_PART = 0.5;
/** How far width / height may differ from what was asked for: more would stretch the picture on the model. */
const SHAPE_TOLERANCE = 0.1;
/** Bits: a picture of one colour has 0, a photograph 7. */
const MIN_ENTROPY = 2;
/** A plain drawing has little itself: at least this part of its own is asked for. */
const ENTROPY_PART = 0.5;
/**
 * Mean difference, of 255, below which nothing was done but another compression. Of 24 of the test pictures, the same
 * picture at JPEG quality 80 came to 0.4 - 1.5, one in another look to 3.1 and more.
 */
const MIN_CHANGE = 2.2;
const COMPARED_SIDE = 64;

/** Checks in the order of their cost; the classifier comes last. `asked` is what was ordered, pixels. */
export async function judgePicture(
  picture: Uint8Array,
  source: Uint8Array,
  asked: { width: number; height: number },
  judge: Judge,
): Promise<Judged> {
  let webp: Buffer;
  let width: number;
  let height: number;
  try {
    // Decoded and encoded again: what is served is never a stranger's bytes.
    const made = await sharp(picture, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .autoOrient()
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .webp({ quality: 88 })
      .toBuffer({ resolveWithObject: true });
    webp = made.data;
    width = made.info.width;
    height = made.info.height;
  } catch {
    return no("AITubo's picture cannot be decoded");
  }
  if (width < asked.width * MIN_PART || height < asked.height * MIN_PART)
    return no(`AITubo's picture is too small: ${width} x ${height}`);
  const shape = width / height / (asked.width / asked.height);
  if (Math.abs(shape - 1) > SHAPE_TOLERANCE)
    return no(`AITubo's picture has another shape: ${width} x ${height}`);
  const [is, was] = await Promise.all([entropyOf(webp), entropyOf(source)]);
  if (is < Math.min(MIN_ENTROPY, was * ENTROPY_PART)) return no("AITubo's picture is blank");
  if ((await differenceOf(webp, source)) < MIN_CHANGE) return no("AITubo's picture is the meme unchanged");
  let verdict: Awaited<ReturnType<Judge>>;
  try {
    verdict = await judge(webp);
  } catch (error) {
    return no(`nobody could look at AITubo's picture: ${error instanceof Error ? error.message : error}`);
  }
  return verdict === "approved"
    ? { ok: true, webp }
    : no(`AITubo's picture is not fit to be shown (${verdict})`);
}

const no = (reason: string): Judged => ({ ok: false, reason });

const entropyOf = async (picture: Uint8Array): Promise<number> =>
  (await sharp(picture, { limitInputPixels: MAX_PIXELS }).flatten({ background: "#ffffff" }).stats()).entropy;

/** Mean difference of two pictures' colours, small and blurred so that compression hardly shows, 0..255. */
async function differenceOf(one: Uint8Array, other: Uint8Array): Promise<number> {
  const side = COMPARED_SIDE;
  const pixels = async (picture: Uint8Array) => {
    const { data, info } = await sharp(picture, { limitInputPixels: MAX_PIXELS })
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .resize(side, side, { fit: "fill" })
      .raw()
      .toBuffer({ resolveWithObject: true });
    return sharp(data, { raw: { width: side, height: side, channels: info.channels } })
      .blur(1)
      .raw()
      .toBuffer();
  };
  const [a, b] = await Promise.all([pixels(one), pixels(other)]);
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}
