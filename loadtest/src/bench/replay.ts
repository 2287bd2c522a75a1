/**
 * Taking a round over (R5): its journal read from a real Redis and replayed, from its beginning, and by a process that has
 * read along. Floor: the same items read and parsed, nothing more.
 */

import { createLogger } from "../../../server/src/infra/logger.ts";
import { createRedis, type Redis } from "../../../server/src/infra/redis.ts";
import { RoundFollower } from "../../../server/src/round/follower.ts";
import { openRound } from "../../../server/src/round/open.ts";
import { startRedis } from "../../../server/test/support/redis.ts";
import { bigJournal, markOf } from "./big-round.ts";
import type { Figure } from "./measure.ts";

/** Records; the last is a round that takes a thousand boosts a second to its end. */
const SIZES = [10_000, 100_000, 600_000];
const PLAYERS = 10_000;
const MEMES = 200;
/** What a busy round writes while nobody hosts it, and before the follower looks again. */
const LAST_MOMENT = 1_500;
const PIPELINE = 1_000;

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
};

export async function benchReplay(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const records of SIZES) {
    const server = await startRedis();
    const redis = createRedis(server.url);
    try {
      figures.push(...(await measure(redis, records)));
    } finally {
      redis.disconnect();
      await server.close();
    }
  }
  return figures;
}

async function measure(redis: Redis, records: number): Promise<Figure[]> {
  const players = Math.min(PLAYERS, records / 5);
  const boosts = records - players - MEMES - 1;
  let roundId = "";
  let pipeline = redis.pipeline();
  let n = 0;
  const journal = bigJournal({ players, memes: MEMES, boosts });
  let step = journal.next();
  const write = async (until: number): Promise<void> => {
    for (; !step.done && n < until; step = journal.next()) {
      const entry = step.value;
      if (entry.record.kind === "open") roundId = entry.record.body.roundId;
      const fields = ["e", JSON.stringify(entry), "r", JSON.stringify(markOf(entry, n))];
      pipeline.xadd(`mr:journal:${roundId}`, `${entry.record.seq}-0`, ...fields);
      if (++n % PIPELINE === 0) {
        await pipeline.exec();
        pipeline = redis.pipeline();
      }
    }
    await pipeline.exec();
    pipeline = redis.pipeline();
  };
  await write(records - LAST_MOMENT);
  const follower = new RoundFollower(
    { arena: "bench" },
    {
      redis,
      directory: { unfinished: async () => [roundId] },
      logger: createLogger("bench", "silent"),
      after: () => () => undefined,
    },
  );
  await follower.look();
  await write(records);
  const open = (read?: RoundFollower) =>
    openRound(
      { network: "devchain", arena: "bench", roundId, roundSeconds: 600, opensAt: 0 },
      { name: "bench", token: 1 },
      { redis, payment: {} as never, now: Date.now, ...(read ? { follower: read } : {}) },
    );
  const warm = await secondsOf(() => open(follower));
  const cold = await secondsOf(() => open());
  const floor = await secondsOf(async () => {
    for (let from = 1; from <= records; from += PIPELINE)
      for (const [, fields] of await redis.xrange(
        `mr:journal:${roundId}`,
        `${from}-0`,
        "+",
        "COUNT",
        PIPELINE,
      ))
        JSON.parse(fields[1] ?? "");
  });
  const beside = { name: "XRANGE and JSON.parse alone", value: floor };
  const name = `${records.toLocaleString("en")} records taken over`;
  return [
    { name: `${name}, read from the beginning`, value: cold, unit: "s", floor: beside },
    { name: `${name}, by a process that read along`, value: warm, unit: "s", floor: beside },
  ];
}
