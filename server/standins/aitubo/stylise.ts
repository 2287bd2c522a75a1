/**
 * The "3D render" look of the stand-in: clay edges, light from the side, stronger colour.
 * Owns: pixels. Does not own: where the picture comes from or goes.
 */
import sharp from "sharp";

export interface StyleInput {
  /** 0 < strength <= 1: how strong the relief is. */
  strength: number;
  width: number;
  height: number;
}

const MAX_PIXELS = 40_000_000;
/** Window of the median, pixels: flattens texture and noise, keeps edges. */
const CLAY = 7;

/** A JPEG of the given size with the composition of `picture`. Throws when it cannot be decoded. */
export async function stylise(picture: Uint8Array, input: StyleInput): Promise<Buffer> {
  const { width, height, strength } = input;
  const clay = await sharp(picture, { limitInputPixels: MAX_PIXELS, failOn: "error" })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .resize({ width, height, fit: "fill" })
    .median(CLAY)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { raw: { width, height, channels: clay.info.channels } };

  // Brightness is read as height: what faces the light at the upper left is lit, what turns away is in shade.
  const relief = async (blur: number, gain: number): Promise<Buffer> =>
    sharp(clay.data, raw)
      .greyscale()
      .blur(blur)
      .convolve({
        width: 3,
        height: 3,
        kernel: [-2, -1, 0, -1, 0, 1, 0, 1, 2].map((weight) => -weight * gain),
        scale: 1,
        offset: 128,
      })
      .png({ compressionLevel: 1 })
      .toBuffer();
  const gain = 0.6 + 1.6 * strength;
  const [edges, forms] = await Promise.all([relief(1.5, gain * 0.5), relief(9, gain * 3)]);

  return sharp(clay.data, raw)
    .composite([
      { input: forms, blend: "soft-light" },
      { input: edges, blend: "hard-light" },
      { input: studioLight(width, height), blend: "soft-light" },
    ])
    .modulate({ saturation: 1.3, brightness: 1.03 })
    .jpeg({ quality: 88, chromaSubsampling: "4:4:4" })
    .toBuffer();
}

/** A soft lamp at the upper left and a darker room around. */
function studioLight(width: number, height: number): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>
    <radialGradient id="lamp" cx="35%" cy="25%" r="95%"><stop offset="0" stop-color="#fff" stop-opacity=".75"/>
    <stop offset=".5" stop-color="#888" stop-opacity=".2"/><stop offset="1" stop-color="#000" stop-opacity=".75"/>
    </radialGradient></defs><rect width="100%" height="100%" fill="url(#lamp)"/></svg>`,
  );
}
