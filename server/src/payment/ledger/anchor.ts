/**
 * A round's place on the chain (M5, M6): its journal's file, then its link. Owns: the order of steps, what a link says, and
 * what holds a settlement up and for how long. Does not own: the chain of links (links.ts), storing and sending (outbox.ts).
 *
 * Any step may be the last before a crash: the next try finds what was stored and goes on there.
 */
import { type LinkBody, NO_AUDIT_HEAD, payoutHashOf } from "@meme-rounds/shared-schema/ledger-link";
import { journalScript, packJournal, unpackJournal } from "@meme-rounds/shared-schema/mrj1-file";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { SettleLater } from "../settlement/settle.ts";
import { Links, type LinksDeps, pay, type Step } from "./links.ts";
import { ledgerOf, STUCK_MS } from "./outbox.ts";

export interface AnchorDeps extends Omit<LinksDeps, "step"> {
  readJournal(roundId: string): Promise<Entry[]>;
  /** I4: head of the audit log, hex; zeros where there is none. */
  auditHead?(): Promise<string>;
  /** The round closed with a result and has its place: its memes may go on chain. */
  onClosed(state: RoundState): Promise<void>;
  now(): number;
  /** Called around every wait, so that tests can crash at each. */
  step?(name: string): void;
}

/** Where a round stands on the chain. */
export interface Anchored {
  /** Absent in a voided round (R6). */
  journalTxid?: string;
  linkTxid: string;
}

/** Rounds whose link is not out yet, with the time (ms) of the first try. */
const DUE = "mr:ledger:due";

const journalId = (roundId: string): string => `journal:${roundId}`;
const arenaOf = (roundId: string): string => roundId.slice(0, roundId.lastIndexOf("-"));

type Final = RoundState & { phase: Extract<RoundState["phase"], { kind: "final" }> };

export class Anchor {
  private readonly deps: AnchorDeps;
  private readonly links: Links;
  private readonly step: Step;

  constructor(deps: AnchorDeps) {
    this.deps = deps;
    this.step = async (name, work) => {
      deps.step?.(`before ${name}`);
      const done = await work();
      deps.step?.(`after ${name}`);
      return done;
    };
    this.links = new Links({ ...deps, step: this.step });
  }

  /**
   * Puts a finished round's journal and link on their way (M5). Undefined when no link is due: no deposit. Throws while
   * the network has not seen both, for an hour from the first try (or from when a link before it got stuck); after that
   * it says so in the log, returns undefined, and the sweep goes on trying.
   */
  async anchor(roundId: string): Promise<Anchored | undefined> {
    const { redis, now, logger } = this.deps;
    await redis.hsetnx(DUE, roundId, now());
    try {
      return await this.place(roundId);
    } catch (err) {
      const first = Number((await redis.hget(DUE, roundId)) ?? now());
      if (now() - Math.min(first, await this.links.waitingSince(arenaOf(roundId))) < STUCK_MS) throw err;
      logger.error({ err, roundId }, "the ledger is stuck: the settlement goes on without it");
      return undefined;
    }
  }

  /** Rounds that were asked for and have no link out yet. */
  async due(): Promise<string[]> {
    return await this.deps.redis.hkeys(DUE);
  }

  private async place(roundId: string): Promise<Anchored | undefined> {
    const { redis } = this.deps;
    const entries = await this.step("journal", () => this.deps.readJournal(roundId));
    const state = finalOf(entries);
    if (state === undefined) throw new SettleLater(`the journal of ${roundId} has no end yet`);
    const { arena } = state.open;
    if (![...state.players.values()].some(({ deposits }) => deposits.length > 0)) {
      await redis.hdel(DUE, roundId);
      return undefined;
    }
    const newest = await this.step("link stored", () => ledgerOf(redis, arena, roundId));
    // M4: a result that was given up has a void behind it, which gets a link of its own.
    const had = newest?.journalHash === state.head.hash ? newest : undefined;
    const isClosed = state.phase.outcome.kind === "result";
    const journalTxid = isClosed ? (had?.journalTxid ?? (await this.journal(state, entries))) : undefined;
    if (isClosed) await this.out(journalId(roundId));
    const link = had ?? (await this.links.add(await this.bodyOf(state, journalTxid)));
    for (const id of await this.links.unsentTo(arena, link.at)) await this.out(id);
    if (isClosed) await this.step("closed", () => this.deps.onClosed(state));
    await this.step("done", () => redis.hdel(DUE, roundId));
    return { linkTxid: link.link.txid, ...(journalTxid === undefined ? {} : { journalTxid }) };
  }

  /** The network has it; throws SettleLater when it does not say so. */
  private async out(id: string): Promise<void> {
    const { outbox } = this.deps;
    if ((await outbox.isOut(id)) || (await this.step(`send ${id}`, () => outbox.send(id)))) return;
    throw new SettleLater(`${id} was not seen yet`);
  }

  /** Stores the transaction with the journal's file; returns its txid. */
  private async journal(state: Final, entries: readonly Entry[]): Promise<string> {
    const { outbox } = this.deps;
    const { roundId } = state.open;
    const id = journalId(roundId);
    const had = await this.step("journal stored", () => outbox.txidOf(id));
    if (had !== undefined) return had;
    const file = await this.step("pack", () => packJournal(entries));
    const back = await this.step("unpack", () => unpackJournal(file));
    if (back.at(-1)?.hash !== state.head.hash)
      throw new Error(`the file of ${roundId} does not hold its journal`);
    const outputs = [{ sats: 0, script: journalScript(roundId, file) }];
    const built = await this.step(`fund ${id}`, () => pay(id, { outputs }, this.deps));
    const cost = { roundId, kind: "journal" } as const;
    await this.step("put journal", () => outbox.put({ txs: [{ id, built }], cost }));
    // Whatever stands now was stored first: here, or by another worker a moment ago.
    return (await outbox.txidOf(id)) ?? built.txid;
  }

  private async bodyOf(state: Final, journalTxid: string | undefined): Promise<LinkBody> {
    const { arena, roundId } = state.open;
    const { outcome } = state.phase;
    const auditHead = (await this.deps.auditHead?.()) ?? NO_AUDIT_HEAD;
    const journalHash = state.head.hash;
    const round = { arena, roundId, journalHash, payoutHash: payoutHashOf(outcome), auditHead };
    if (outcome.kind === "void")
      return { ...round, outcome: "voided", reason: [...outcome.reason].slice(0, 1_000).join("") };
    if (journalTxid === undefined) throw new Error(`${roundId} has no file`);
    return { ...round, outcome: "closed", journalTxid };
  }
}

function finalOf(entries: readonly Entry[]): Final | undefined {
  const state = entries.length === 0 ? undefined : replay(entries);
  return state?.phase.kind === "final" ? (state as Final) : undefined;
}
