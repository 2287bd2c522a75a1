/** The picture classifier and the title filter (C2). Floor: decoding the picture to the classifier's size alone. */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { createClassifier } from "../../../server/src/content/moderation/classifier.ts";
import { judgeText } from "../../../server/src/content/moderation/text.ts";
import { createLogger } from "../../../server/src/infra/logger.ts";
import { type Figure, medianMs } from "./measure.ts";

const folder = fileURLToPath(new URL("../../../server/test/content/pictures", import.meta.url));
const MB = 1e6;

export async function benchModeration(): Promise<Figure[]> {
  const names = (await readdir(folder)).filter((name) => /\.(webp|jpg|png)$/.test(name));
  const pictures = await Promise.all(names.map((name) => readFile(`${folder}/${name}`)));
  const before = process.memoryUsage.rss();
  const classifier = createClassifier({}, { logger: createLogger("bench", "silent") });
  const start = performance.now();
  await classifier.warm();
  const warm = performance.now() - start;
  const times: number[] = [];
  const explicit: number[] = [];
  for (const picture of pictures) {
    const from = performance.now();
    const { porn, hentai } = await classifier.scoresOf(picture);
    times.push(performance.now() - from);
    explicit.push(porn + hentai);
  }
  const memory = process.memoryUsage.rss() - before;
  await classifier.stop();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor((times.length - 1) * share)] ?? Number.NaN;
  const median = pictures[Math.floor(pictures.length / 2)] ?? new Uint8Array();
  const decode = await medianMs(5, () => sharp(median).resize(224, 224, { fit: "fill" }).raw().toBuffer());
  const line = "such wow, very coin, much title: what a player may well call a picture";
  const title = await medianMs(5, () => {
    for (let i = 0; i < 100; i++) judgeText(line);
  });
  const floor = { name: "decode and scale alone", value: decode };
  return [
    { name: "classifier: start", value: warm, unit: "ms" },
    { name: `classifier: one picture, median of ${times.length}`, value: at(0.5), unit: "ms", floor },
    { name: "classifier: one picture, slowest", value: at(1), unit: "ms" },
    { name: "classifier: memory it adds (RSS)", value: memory / MB, unit: "MB" },
    { name: "classifier: most explicit of these harmless pictures", value: Math.max(...explicit), unit: "" },
    { name: "title filter: one title of 70 characters", value: title / 100, unit: "ms" },
  ];
}
