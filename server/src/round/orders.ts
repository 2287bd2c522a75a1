/**
 * A moderator's words on their way into a live round's journal (R12). Owns: `mr:orders:<roundId>`, a list that outlives the
 * process that hosts the round: an order leaves it only once the journal has it or the round cannot take it any more.
 * Does not own: what an order means (the rules), pictures and galleries (content).
 */
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { z } from "zod";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import type { RoundActor } from "./actor.ts";

const orderSchema = z.object({
  kind: z.enum(["takedown", "hide", "unhide"]),
  memeId: z.string(),
  by: z.string(),
  reason: z.string(),
});
export type Order = z.infer<typeof orderSchema>;

/** Longer than the longest round, s. */
const KEPT_S = 3 * 86_400;

const keyOf = (roundId: string): string => `mr:orders:${roundId}`;

/** Puts an order where the round's host finds it, whoever that is. */
export async function leaveOrder(redis: Redis, roundId: string, order: Order): Promise<void> {
  await redis
    .multi()
    .rpush(keyOf(roundId), JSON.stringify(orderSchema.parse(order)))
    .expire(keyOf(roundId), KEPT_S)
    .exec();
}

export interface OrderDeskDeps {
  redis: Redis;
  /** The meme's picture and models are gone, whether or not the round could still void it. */
  onTakenDown(memeId: string): void;
  logger: Logger;
}

export class OrderDesk {
  private readonly actor: RoundActor;
  private readonly deps: OrderDeskDeps;
  private busy = false;

  constructor(actor: RoundActor, deps: OrderDeskDeps) {
    this.actor = actor;
    this.deps = deps;
  }

  /** Gives what waits to the actor, in order; to be called several times a second. Does not reject. */
  async tick(now: number): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    const { roundId } = this.actor.open;
    try {
      for (const text of await this.deps.redis.lrange(keyOf(roundId), 0, -1))
        if (await this.carryOut(orderSchema.parse(JSON.parse(text)), now))
          await this.deps.redis.lrem(keyOf(roundId), 1, text);
    } catch (err) {
      this.deps.logger.error({ err, roundId }, "a moderator's order has not reached the journal yet");
    } finally {
      this.busy = false;
    }
  }

  /** True when the order is done with. */
  private async carryOut(order: Order, now: number): Promise<boolean> {
    const { actor } = this;
    const { roundId } = actor.open;
    if (await actor.read((state) => isSo(state, order))) return true;
    const refusal = await actor.preview(order, now);
    // Somebody may be entering it this moment: the order stays until the round is over.
    if (refusal === "MEME_UNKNOWN") return false;
    if (refusal === undefined) {
      const answer = await actor.submit(order);
      if (!answer.ok && answer.code !== "PHASE_WRONG") throw new Error(`${order.kind}: ${answer.code}`);
    } else this.deps.logger.info({ roundId, ...order, refusal }, "the round takes this order no more");
    if (order.kind === "takedown") this.deps.onTakenDown(order.memeId);
    return true;
  }
}

/** Is it as the order wants it already? A process may have died between the journal and taking the order off the list. */
function isSo(state: RoundState, { kind, memeId }: Order): boolean {
  const meme = state.memes.get(memeId);
  if (meme === undefined) return false;
  if (kind === "takedown") return meme.takenDown;
  return kind === "hide" ? meme.hidden : meme.cleared && !meme.hidden;
}
