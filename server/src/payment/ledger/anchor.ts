/**
 * A round's place on the chain (M5, M6): its journal's file, then its link. Owns: the order of steps, the first output of
 * a ledger, handing it over to another key, and what holds a settlement up and what does not. Does not own: the bytes
 * (build.ts), storing and sending them (outbox.ts).
 *
 * Any step may be the last before a crash: the next try finds what was stored and goes on there.
 */

import { covenantScript, LEDGER_SATS } from "@meme-rounds/shared-schema/ledger";
import {
  bodyHashOf,
  type GenesisBody,
  type LedgerBody,
  type LinkBody,
  linkOutputs,
  NO_AUDIT_HEAD,
  payoutHashOf,
  signHandover,
} from "@meme-rounds/shared-schema/ledger-link";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { journalScript, packJournal, unpackJournal } from "@meme-rounds/shared-schema/mrj1-file";
import type { Entry, Network } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { ChainPort } from "../../chain/index.ts";
import { releaseLease, takeLease } from "../../infra/leases.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { HotWallet } from "../hot-wallet.ts";
import { SettleLater } from "../settlement/settle.ts";
import type { SigningKey } from "../settlement/sign.ts";
import { type BuiltTx, build, type Parts } from "./build.ts";
import { fund } from "./fund.ts";
import { type LedgerEntry, ledgerOf, type Outbox, type Put, STUCK_MS } from "./outbox.ts";

/** The operator's keys, of every generation. */
export interface LedgerKeys {
  /** The current one, compressed, hex. */
  current(): string;
  /** Of a public key (hex). Throws CodedError KEYSTORE_KEY_MISSING. */
  forKey(publicKey: string): SigningKey;
  /** Of a P2PKH script (hex). Throws when none of the keys fits. */
  forScript(script: string): SigningKey;
}

export interface AnchorDeps {
  network: Network;
  redis: Redis;
  chain: Pick<ChainPort, "feeRate">;
  wallet: Pick<HotWallet, "reserve" | "release">;
  keys: LedgerKeys;
  outbox: Outbox;
  readJournal(roundId: string): Promise<Entry[]>;
  /** I4: head of the audit log, hex; zeros where there is none. */
  auditHead?(): Promise<string>;
  /** The round closed with a result and has its place: its memes may go on chain. */
  onClosed(state: RoundState): Promise<void>;
  logger: Logger;
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
const LEASE_MS = 30_000;
const MOVES = 5;

const journalId = (roundId: string): string => `journal:${roundId}`;
const linkId = (arena: string, at: number): string => `link:${arena}:${at}`;

type Final = RoundState & { phase: Extract<RoundState["phase"], { kind: "final" }> };

export class Anchor {
  private readonly deps: AnchorDeps;

  constructor(deps: AnchorDeps) {
    this.deps = deps;
  }

  /**
   * Puts a finished round's journal and link on their way (M5). Undefined when no link is due: no deposit. Throws while
   * the network has not seen both, for an hour from the first try; after that it says so in the log, returns undefined,
   * and the sweep goes on trying.
   */
  async anchor(roundId: string): Promise<Anchored | undefined> {
    const { redis, now, logger } = this.deps;
    await redis.hsetnx(DUE, roundId, now());
    const since = Number((await redis.hget(DUE, roundId)) ?? now());
    try {
      return await this.place(roundId);
    } catch (err) {
      if (now() - since < STUCK_MS) throw err;
      logger.error({ err, roundId }, "the ledger is stuck: the settlement goes on without it");
      return undefined;
    }
  }

  /** Rounds that were asked for and have no link out yet. */
  async due(): Promise<string[]> {
    return await this.deps.redis.hkeys(DUE);
  }

  private async place(roundId: string): Promise<Anchored | undefined> {
    const { redis, outbox } = this.deps;
    const entries = await this.step("journal", () => this.deps.readJournal(roundId));
    const state = finalOf(entries);
    if (state === undefined) throw new SettleLater(`the journal of ${roundId} has no end yet`);
    const { arena } = state.open;
    if (![...state.players.values()].some(({ deposits }) => deposits.length > 0)) {
      await redis.hdel(DUE, roundId);
      return undefined;
    }
    const had = await this.step("link stored", () => ledgerOf(redis, arena, roundId));
    const isClosed = state.phase.outcome.kind === "result";
    const journalTxid = isClosed ? (had?.journalTxid ?? (await this.journal(state, entries))) : undefined;
    const link = had ?? (await this.link(state, journalTxid));
    const ids = [...(isClosed ? [journalId(roundId)] : []), ...(await this.unsentTo(arena, link.at))];
    for (const id of ids)
      if (!(await outbox.isOut(id)) && !(await this.step(`send ${id}`, () => outbox.send(id))))
        throw new SettleLater(`${id} was not seen yet`);
    if (isClosed) await this.step("closed", () => this.deps.onClosed(state));
    await this.step("done", () => redis.hdel(DUE, roundId));
    return { linkTxid: link.link.txid, ...(journalTxid === undefined ? {} : { journalTxid }) };
  }

  /** A link goes out behind those before it: whoever stored one of them may have died before sending it. */
  private async unsentTo(arena: string, at: number): Promise<string[]> {
    const ids = [linkId(arena, at)];
    for (let before = at - 1; before >= 0; before--) {
      if (await this.deps.outbox.isOut(linkId(arena, before))) break;
      ids.unshift(linkId(arena, before));
    }
    return ids;
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
    const built = await this.pay(id, { outputs: [{ sats: 0, script: journalScript(roundId, file) }] });
    const cost = { roundId, kind: "journal" } as const;
    await this.step("put journal", () => outbox.put({ txs: [{ id, built }], cost }));
    // Whatever stands now was stored first: here, or by another worker a moment ago.
    return (await outbox.txidOf(id)) ?? built.txid;
  }

  /** Appends the round's link, one round of an arena at a time. */
  private async link(state: Final, journalTxid: string | undefined) {
    const { redis, outbox } = this.deps;
    const { arena, roundId } = state.open;
    const body = await this.bodyOf(state, journalTxid);
    const lease = await takeLease(redis, `ledger:${arena}`, LEASE_MS);
    if (lease === undefined) throw new SettleLater(`another link of ${arena} is being made`);
    try {
      // The lease spares work; that the list is as long as it was is what keeps links apart.
      for (let moves = MOVES; moves > 0; moves--) {
        const { length, last } = await this.step("tip", () => outbox.tip(arena));
        const had = await ledgerOf(redis, arena, roundId);
        if (had !== undefined) return had;
        if (last === undefined) await this.begin(arena);
        else if (last.operatorKey !== this.deps.keys.current()) await this.handOver(arena, length, last);
        else await this.append(arena, length, last, { roundId, journalTxid, body });
      }
    } finally {
      await releaseLease(redis, lease);
    }
    throw new SettleLater(`the ledger of ${arena} moves too fast`);
  }

  private async bodyOf(state: Final, journalTxid: string | undefined): Promise<LinkBody> {
    const { arena, roundId } = state.open;
    const { outcome } = state.phase;
    const auditHead = (await this.deps.auditHead?.()) ?? NO_AUDIT_HEAD;
    const round = {
      arena,
      roundId,
      journalHash: state.head.hash,
      payoutHash: payoutHashOf(outcome),
      auditHead,
    };
    if (outcome.kind === "void")
      return { ...round, outcome: "voided", reason: [...outcome.reason].slice(0, 1_000).join("") };
    if (journalTxid === undefined) throw new Error(`${roundId} has no file`);
    return { ...round, outcome: "closed", journalTxid };
  }

  private async append(
    arena: string,
    length: number,
    last: LedgerEntry,
    { roundId, journalTxid, body }: { roundId: string; journalTxid: string | undefined; body: LinkBody },
  ): Promise<void> {
    const next = { kind: "link", roundId, ...(journalTxid === undefined ? {} : { journalTxid }) } as const;
    const made = await this.next(arena, length, last, body);
    await this.put(arena, length, [{ ...made, entry: { ...made.entry, ...next } }], roundId);
  }

  /** The transaction that spends the tip into the next output. */
  private async next(arena: string, at: number, last: LedgerEntry, body: LedgerBody) {
    const { keys } = this.deps;
    const { operatorKey, seq, bodyHash, txid } = last;
    const id = linkId(arena, at);
    const built = await this.pay(id, {
      covenant: {
        txid,
        sats: LEDGER_SATS,
        script: covenantScript({ seq, bodyHash }, operatorKey),
        key: keys.forKey(operatorKey),
      },
      outputs: linkOutputs(seq + 1, body, operatorKey),
    });
    const entry = { seq: seq + 1, txid: built.txid, bodyHash: bodyHashOf(body), operatorKey };
    return { id, built, entry };
  }

  private async genesis(id: string, body: GenesisBody) {
    const operatorKey = this.deps.keys.current();
    const built = await this.pay(id, { outputs: linkOutputs(0, body, operatorKey) });
    const entry = {
      kind: "genesis" as const,
      seq: 0,
      txid: built.txid,
      bodyHash: bodyHashOf(body),
      operatorKey,
    };
    return { id, built, entry };
  }

  /** The arena's first output. */
  private async begin(arena: string): Promise<void> {
    const first = await this.genesis(linkId(arena, 0), { arena, genesis: this.deps.network });
    await this.put(arena, 0, [first]);
  }

  /** M5: the old key's last link names the new key's first output, signed by both. */
  private async handOver(arena: string, length: number, last: LedgerEntry): Promise<void> {
    const { keys, network, logger } = this.deps;
    const previous = `${last.txid}:0`;
    const first = await this.genesis(linkId(arena, length + 1), { arena, genesis: network, previous });
    const secrets = {
      old: keys.forKey(last.operatorKey).secret,
      new: keys.forKey(keys.current()).secret,
    };
    const body = signHandover(previous, `${first.built.txid}:0`, secrets);
    const made = await this.next(arena, length, last, body);
    await this.put(arena, length, [{ ...made, entry: { ...made.entry, kind: "handover" } }, first]);
    logger.info({ arena, from: last.operatorKey, to: keys.current() }, "the ledger was handed over");
  }

  /** Stores and sends; `moved` is for the caller's next look. */
  private async put(
    arena: string,
    length: number,
    made: readonly { id: string; built: BuiltTx; entry: LedgerEntry }[],
    roundId?: string,
  ): Promise<void> {
    const { outbox } = this.deps;
    const put: Put = {
      txs: made.map(({ id, built }) => ({ id, built })),
      ledger: { arena, length, entries: made.map(({ entry }) => entry) },
      ...(roundId === undefined ? {} : { cost: { roundId, kind: "link" } }),
    };
    if ((await this.step("put link", () => outbox.put(put))) !== "stored") return;
    for (const { id } of made) await this.step(`send ${id}`, () => outbox.send(id));
  }

  private async pay(id: string, parts: Pick<Parts, "outputs" | "covenant">): Promise<BuiltTx> {
    const { wallet, chain, keys } = this.deps;
    const feeSatPerKb = await this.step("fee rate", () => chain.feeRate());
    const whole: Parts = { ...parts, feeSatPerKb, changeScript: p2pkhScript(keys.current()) };
    return await this.step(`fund ${id}`, () =>
      fund(wallet, id, (coins) => build(whole, coins, (script) => keys.forScript(script))),
    );
  }

  /** Does `work`, with a place to crash before and after it. */
  private async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.deps.step?.(`before ${name}`);
    const done = await work();
    this.deps.step?.(`after ${name}`);
    return done;
  }
}

function finalOf(entries: readonly Entry[]): Final | undefined {
  const state = entries.length === 0 ? undefined : replay(entries);
  return state?.phase.kind === "final" ? (state as Final) : undefined;
}
