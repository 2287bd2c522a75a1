/**
 * A picture with its edits, drawn (creator's flow). Owns: the canvas. Does not own: where words stand (caption-layout),
 * what is left of the picture (edits).
 */
import "@fontsource/anton/400.css";
import { layoutCaption } from "./caption-layout.ts";
import { type Edits, frameOf } from "./edits.ts";

const FONT = "Anton, Impact, 'Arial Narrow', sans-serif";
const QUALITY = 0.92;

export type Source = ImageBitmap;

/** The font has to be there before the first word is drawn; where it does not come, another heavy one is taken. */
export async function loadCaptionFont({ top, bottom }: Pick<Edits, "top" | "bottom">): Promise<void> {
  // The font comes in parts, by alphabet; both cases, since words may be drawn in capitals.
  const words = `${top}${bottom}`;
  await document.fonts.load("64px Anton", `A${words}${words.toLocaleUpperCase()}`).catch(() => undefined);
}

/** Decoded upright. Throws what the browser throws for what it cannot decode. */
export const openPicture = (file: Blob): Promise<Source> =>
  createImageBitmap(file, { imageOrientation: "from-image" });

/** Draws at full size; `withCaptions` false leaves the words out. */
export function drawMeme(
  canvas: HTMLCanvasElement,
  source: Source,
  edits: Edits,
  { withCaptions = true }: { withCaptions?: boolean } = {},
): void {
  const { part, size } = frameOf(source, edits);
  canvas.width = size.width;
  canvas.height = size.height;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("this browser draws no canvas");
  pen.imageSmoothingQuality = "high";
  const scale = size.width / part.width;
  pen.save();
  pen.scale(scale, scale);
  pen.translate(-part.left, -part.top);
  turn(pen, source, edits.turns);
  pen.drawImage(source, 0, 0);
  pen.restore();
  if (!withCaptions) return;
  for (const at of ["top", "bottom"] as const) caption(pen, edits[at], at, edits.capitals);
}

function turn(pen: CanvasRenderingContext2D, { width, height }: Source, turns: Edits["turns"]): void {
  if (turns === 1) pen.transform(0, 1, -1, 0, height, 0);
  if (turns === 2) pen.transform(-1, 0, 0, -1, width, height);
  if (turns === 3) pen.transform(0, -1, 1, 0, 0, width);
}

function caption(
  pen: CanvasRenderingContext2D,
  written: string,
  at: "top" | "bottom",
  capitals: boolean,
): void {
  const text = (capitals ? written.toLocaleUpperCase() : written).trim();
  if (text === "") return;
  const { width, height } = pen.canvas;
  const measure = (line: string, size: number): number => {
    pen.font = `${size}px ${FONT}`;
    return pen.measureText(line).width;
  };
  const { lines, size, outline } = layoutCaption(text, { width, height, at, measure });
  pen.font = `${size}px ${FONT}`;
  pen.textAlign = "center";
  pen.lineJoin = "round";
  pen.strokeStyle = "#000";
  pen.fillStyle = "#fff";
  pen.lineWidth = outline;
  for (const line of lines) pen.strokeText(line.text, line.x, line.y);
  for (const line of lines) pen.fillText(line.text, line.x, line.y);
}

/** The drawn picture as a file: WebP, or JPEG where the browser writes none. */
export async function toFile(canvas: HTMLCanvasElement, name: string): Promise<File> {
  const as = (type: string): Promise<Blob | null> =>
    new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  const webp = await as("image/webp");
  const blob = webp?.type === "image/webp" ? webp : await as("image/jpeg");
  if (!blob) throw new Error("this browser cannot save the picture");
  const base = name.replace(/\.[^.]*$/, "") || "meme";
  return new File([blob], `${base}.${blob.type === "image/webp" ? "webp" : "jpg"}`, { type: blob.type });
}
