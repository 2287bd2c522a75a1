/**
 * The auditor's own look at deposits that the freeze drops (M1, M4). Owns: asking its own chain at that time, and
 * remembering the answer: what becomes of a dropped deposit later says nothing about whether it was dropped rightly.
 * Does not own: refusing the settlement (gate.ts).
 */
import type { ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import { mapLimited } from "../parallel.ts";
import type { RoundNotes } from "./notes.ts";

export interface DropsDeps {
  chain: Pick<ChainPort, "status">;
  logger: Logger;
  now(): number;
}

/** An answer of the chain says something about the freeze when it comes so soon after it, ms. */
const FRESH_MS = 60_000;
const PARALLEL = 16;

export class Drops {
  private readonly deps: DropsDeps;
  private readonly running = new Set<Promise<unknown>>();

  constructor(deps: DropsDeps) {
    this.deps = deps;
  }

  /** Asks about each dropped outpoint in the background; `at` is the time of the record that drops them, ms. */
  remember(notes: RoundNotes, outpoints: readonly string[], at: number): void {
    if (outpoints.length === 0 || this.deps.now() > at + FRESH_MS) return;
    const asking = mapLimited([...outpoints], PARALLEL, (one) => this.standingOf(notes, one, at))
      .catch((err: unknown) => this.deps.logger.warn({ err }, "dropped deposits were not looked at"))
      .finally(() => this.running.delete(asking));
    this.running.add(asking);
  }

  /**
   * `good` when this auditor's chain knew nothing against the deposit when it was dropped. Long after the freeze only
   * a mined one is, if nobody looked in time. Throws UNAVAILABLE when the chain cannot be read.
   */
  async standingOf(notes: RoundNotes, outpoint: string, at: number): Promise<"good" | "gone"> {
    const known = notes.drops.get(outpoint);
    if (known !== undefined) return known;
    const { state } = await this.deps.chain.status(outpoint.slice(0, outpoint.indexOf(":")));
    const isFresh = this.deps.now() <= at + FRESH_MS;
    const standing = state === "mined" || (isFresh && state === "seen") ? "good" : "gone";
    if (isFresh && !notes.drops.has(outpoint))
      await notes.add({ kind: "drop", outpoint, standing, at: this.deps.now() });
    return standing;
  }

  /** Waits for what is being asked. */
  async stop(): Promise<void> {
    await Promise.all(this.running);
  }
}
