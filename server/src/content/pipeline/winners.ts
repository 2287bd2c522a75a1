/**
 * Handing a round's winners to the pipeline, and what is known of them since. Owns: the flow of jobs of one round,
 * enqueued as often as somebody asks, made once. Does not own: what the jobs do.
 */
import type { ModelWish, Sculpture } from "@meme-rounds/shared-schema/rest-content";
import type { Redis } from "../../infra/redis.ts";
import { Progress } from "./progress.ts";
import {
  createFlows,
  jobIdOf,
  LOOK_OPTIONS,
  LOOK_QUEUE,
  PUBLISH_OPTIONS,
  PUBLISH_QUEUE,
  ROUND_OPTIONS,
  ROUND_QUEUE,
  roundJobId,
  SCULPT_OPTIONS,
  SCULPT_QUEUE,
  type Winner,
} from "./queues.ts";

export interface WinnersDeps {
  redis: Redis;
  /** What the creator wants it to become. */
  wishOf(memeId: string): Promise<ModelWish>;
}

export class Winners {
  readonly #progress: Progress;
  readonly #flows;
  readonly #deps: WinnersDeps;

  constructor(deps: WinnersDeps) {
    this.#deps = deps;
    this.#progress = new Progress(deps.redis);
    this.#flows = createFlows(deps.redis);
  }

  /** C3: safe to repeat; the jobs of a round are added in one step. */
  async enqueue(roundId: string, memes: readonly { memeId: string; title: string }[]): Promise<void> {
    const winners = await Promise.all(
      memes.map(async ({ memeId, title }) => ({
        roundId,
        memeId,
        title,
        mode: await this.#deps.wishOf(memeId),
      })),
    );
    await this.#progress.begin(
      roundId,
      winners.map(({ memeId }) => memeId),
    );
    await this.#flows.add({
      name: "round",
      queueName: ROUND_QUEUE,
      data: { roundId },
      opts: { ...ROUND_OPTIONS, jobId: roundJobId(roundId) },
      children: winners.map(flowOf),
    });
  }

  /** Of every winner of the round; empty for rounds whose jobs are long gone. */
  statesOf(roundId: string): Promise<Record<string, Sculpture>> {
    return this.#progress.of(roundId);
  }

  async stop(): Promise<void> {
    await this.#flows.close();
  }
}

const flowOf = (winner: Winner) => {
  const idOf = (kind: "look" | "sculpt" | "publish") => jobIdOf(kind, winner.roundId, winner.memeId);
  return {
    name: "publish",
    queueName: PUBLISH_QUEUE,
    data: winner,
    opts: { ...PUBLISH_OPTIONS, jobId: idOf("publish") },
    children: [
      {
        name: "sculpt",
        queueName: SCULPT_QUEUE,
        data: winner,
        opts: { ...SCULPT_OPTIONS, jobId: idOf("sculpt") },
        children: [
          {
            name: "look",
            queueName: LOOK_QUEUE,
            data: winner,
            opts: { ...LOOK_OPTIONS, jobId: idOf("look") },
          },
        ],
      },
    ],
  };
};
