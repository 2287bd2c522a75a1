/** Local 3D of the two fixture memes. Floor: decoding and re-encoding the picture alone. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { memeToModel, validateGlb } from "../../../server/src/content/transform/index.ts";
import { type Figure, medianMs } from "./measure.ts";

const fixtures = fileURLToPath(new URL("../../../server/test/fixtures/memes", import.meta.url));

export async function benchModels(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of ["doge.png", "portrait.jpg"]) {
    const picture = await readFile(`${fixtures}/${name}`);
    const made = await memeToModel(picture, { mode: "auto" });
    const ms = await medianMs(3, () => memeToModel(picture, { mode: "auto" }));
    const decode = await medianMs(3, () => sharp(picture).resize(1024).webp().toBuffer());
    const { errors } = await validateGlb(made.glb);
    figures.push(
      {
        name: `3D of ${name} (${made.stats.mode}), poster and turntable included`,
        value: ms / 1_000,
        unit: "s",
        floor: { name: "decode and encode alone", value: decode / 1_000 },
      },
      { name: `3D of ${name}: triangles`, value: made.stats.triangles, unit: "" },
      { name: `3D of ${name}: GLB`, value: made.stats.glbBytes, unit: "bytes" },
      { name: `3D of ${name}: validator errors`, value: errors, unit: "" },
    );
  }
  return figures;
}
