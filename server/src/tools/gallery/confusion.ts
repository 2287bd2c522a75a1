/**
 * Every model held against every picture: how far likeness tells them apart (C5).
 * Owns: that table. Does not own: likeness and its floor (transform/likeness.ts, verify.ts).
 */
import { frontOf, similarityOf } from "../../content/transform/likeness.ts";
import { loadSurfaces } from "../../content/transform/load.ts";
import { decodePicture } from "../../content/transform/picture.ts";
import type { Rendering } from "../../content/transform/raster.ts";
import { LEAST_SIMILARITY, SOURCE_SIDE } from "../../content/transform/verify.ts";

export interface Piece {
  name: string;
  picture: Uint8Array;
  glb: Uint8Array;
}

/** Lines of text: the likeness of models with their own pictures and with all others, and what is mistaken. */
export async function confusionOf(pieces: readonly Piece[]): Promise<string[]> {
  const fronts = new Map<string, Rendering>();
  for (const { name, glb } of pieces) fronts.set(name, frontOf(await loadSurfaces(glb)));
  const own: number[] = [];
  const other: number[] = [];
  const mistaken: string[] = [];
  const refused: string[] = [];
  for (const { name: source, picture } of pieces) {
    const decoded = await decodePicture(picture, SOURCE_SIDE);
    for (const [model, front] of fronts) {
      const similarity = await similarityOf(front, decoded);
      (model === source ? own : other).push(similarity);
      const words = `${model} as ${source} (${similarity.toFixed(2)})`;
      if (model !== source && similarity >= LEAST_SIMILARITY) mistaken.push(words);
      if (model === source && similarity < LEAST_SIMILARITY) refused.push(words);
    }
  }
  return [
    `likeness with the own picture: ${spread(own)}`,
    `likeness with another picture: ${spread(other)}`,
    `floor ${LEAST_SIMILARITY}: ${refused.length} of ${own.length} refused wrongly${listed(refused)}`,
    `floor ${LEAST_SIMILARITY}: ${mistaken.length} of ${other.length} mistaken${listed(mistaken)}`,
  ];
}

const listed = (words: readonly string[]): string => (words.length === 0 ? "" : `: ${words.join(", ")}`);

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2);
  return `least ${at(0)}, 5% ${at(0.05)}, half ${at(0.5)}, 95% ${at(0.95)}, most ${at(1)}`;
}
