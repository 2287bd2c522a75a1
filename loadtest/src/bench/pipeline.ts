/**
 * The 3D pipeline as its processes run it: real Redis, the AITubo stand-in over HTTP, the sculptor's child, the classifier.
 * Floor: the same models made one after the other, without queues, looks and publishing.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { lookParts } from "../../../server/src/content/aitubo/setup.ts";
import { MediaStore } from "../../../server/src/content/media/store.ts";
import { createClassifier } from "../../../server/src/content/moderation/classifier.ts";
import { createContentWorker } from "../../../server/src/content/pipeline/content-worker.ts";
import { createModelWorker } from "../../../server/src/content/pipeline/model-worker.ts";
import { sculpt } from "../../../server/src/content/pipeline/sculpt.ts";
import { Winners } from "../../../server/src/content/pipeline/winners.ts";
import { acceptPicture } from "../../../server/src/content/upload/picture.ts";
import { createLogger } from "../../../server/src/infra/logger.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { startAitubo } from "../../../server/standins/aitubo/server.ts";
import { serveToAitubo } from "../../../server/test/content/pipeline-kit.ts";
import { startRedis } from "../../../server/test/support/redis.ts";
import { until } from "../../../server/test/support/wait.ts";
import type { Figure } from "./measure.ts";

const folder = fileURLToPath(new URL("../../../server/test/content/pictures", import.meta.url));
const WINNERS = ["portrait-captions.webp", "frog-white-eyes.jpg", "raccoon-caption.webp"];
const SECRET = "only for benches, 32 characters!";
const KEY = "bench";
/** What the real one takes is unknown; ms. */
const AITUBO_MS = 3_000;
const WARMING_ROUND = "bench-0";

export async function benchPipeline(): Promise<Figure[]> {
  const pictures = await Promise.all(
    WINNERS.map(async (name) => {
      const accepted = await acceptPicture(await readFile(`${folder}/${name}`), { maxBytes: 1e7 });
      if (!accepted.ok) throw new Error(`${name}: ${accepted.code}`);
      return accepted.webp;
    }),
  );
  const server = await startRedis({ durable: true });
  const redis = createRedis(server.url);
  const logger = createLogger("bench", "silent");
  const now = Date.now;
  const media = new MediaStore(redis);
  const site = await serveToAitubo(SECRET, media);
  const aitubo = await startAitubo({ port: 0, apiKey: KEY, latencyMs: AITUBO_MS });
  const settings = {
    NODE_ENV: "development",
    AITUBO_URL: aitubo.url,
    AITUBO_API_KEY: KEY,
    PUBLIC_URL: site.url,
    MEDIA_SECRET: SECRET,
  };
  const classifier = createClassifier({}, { logger });
  await classifier.warm();
  const judge = async (picture: Uint8Array): Promise<"approved"> => {
    await classifier.scoresOf(picture);
    return "approved";
  };
  const base = { redis, logger, now };
  const withAitubo = lookParts(settings, { ...base, judge });
  const deps = { ...base, judge, onPublished: async () => undefined };
  const content = createContentWorker({ ...deps, ...(withAitubo ? { look: withAitubo } : {}) });
  const models = await createModelWorker(base);
  const winners = new Winners({ redis, wishOf: async () => "auto" });

  /** Seconds from the round's end to its last model. */
  const play = async (roundId: string): Promise<number> => {
    const memes = await Promise.all(
      pictures.map(async (webp, at) => ({
        memeId: await media.put(webp, "image/webp"),
        title: `Meme ${at}`,
      })),
    );
    const from = performance.now();
    await winners.enqueue(roundId, memes);
    const done = async () =>
      Object.values(await winners.statesOf(roundId)).every((state) => state === "done");
    await until(done, { what: `the models of ${roundId}`, deadlineMs: 120_000 });
    return (performance.now() - from) / 1_000;
  };

  try {
    await play(WARMING_ROUND);
    const endToEnd = await play("bench-1");
    const from = performance.now();
    for (const source of pictures) await sculpt({ source, mode: "auto" });
    const alone = (performance.now() - from) / 1_000;
    // Many rounds at once: AITubo's time is hidden, the core is the bound.
    const start = performance.now();
    await Promise.all(["bench-2", "bench-3", "bench-4", "bench-5"].map(play));
    const many = (performance.now() - start) / 60_000;
    return [
      {
        name: `3 winners: round's end to last model (AITubo ${AITUBO_MS / 1_000} s)`,
        value: endToEnd,
        unit: "s",
        floor: { name: "the same three models alone", value: alone },
      },
      {
        name: "models published by one sculptor",
        value: (4 * WINNERS.length) / many,
        unit: "a minute",
        floor: { name: "models alone", value: (60 * WINNERS.length) / alone },
      },
    ];
  } finally {
    await Promise.all([content.stop(), models.stop(), winners.stop(), classifier.stop(), aitubo.close()]);
    site.close();
    await redis.quit();
    await server.close();
  }
}
