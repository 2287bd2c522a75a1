/**
 * Collecting what a verification looks at (M10). Owns: which transactions are needed and in which order they lead to each
 * other, from a round's name or any txid. Does not own: speaking to a chain API (the reader passed in), judging
 * (verify-round.ts). Nothing that a hint says is believed: it only saves looking around.
 */
import { addressOf } from "./crypto.ts";
import { type ReadLink, readLink } from "./ledger-link.ts";
import { outpointOf } from "./payout.ts";
import type { Network } from "./records.ts";
import { type RawTransaction, readRawTx } from "./tx-read.ts";
import { depositsIn, journalIn } from "./verify-round-file.ts";
import type { ChainTx, RoundEvidence } from "./verify-round-parts.ts";
import { traceStep } from "./verify-round-settlement.ts";

/** A chain API. Every call rejects when it cannot be reached. */
export interface ChainReader {
  /** Raw hex; undefined when nobody knows it. */
  rawTx(txid: string): Promise<string | undefined>;
  /** The txid that spends an output; undefined while it is unspent or unknown. */
  spentBy(txid: string, vout: number): Promise<string | undefined>;
  /** Height of its block; undefined while it is in none. */
  heightOf(txid: string): Promise<number | undefined>;
  /** Transactions of an address, oldest first. */
  historyOf(address: string): Promise<string[]>;
}

/** Where somebody says that things are. */
export interface RoundHints {
  linkTxid?: string;
  settlement?: readonly string[];
  /** Where the ledger begins, `txid:vout`: the walk forward starts here. */
  genesis?: string;
  /** Compressed key whose address the links' fees come from. */
  operatorKey?: string;
}

export interface GatherOptions {
  network: Network;
  /** A roundId, or the txid of its link. */
  target: string;
  hints: RoundHints;
  /** How many links are followed back. */
  depth: number;
}

export interface GatherDeps {
  chain: ChainReader;
  /** Says what is being fetched, for people. */
  progress?: (what: string) => void;
}

/** Reads that may be under way at once; the reader has its own limit on top. */
const AT_ONCE = 8;
/** A longer ledger or history is not walked to find one link. */
const MAX_WALK = 5_000;

/** Runs `work` on all items, a few at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const one = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

class Gatherer {
  private readonly options: GatherOptions;
  private readonly chain: ChainReader;
  private readonly progress: (what: string) => void;
  private readonly known = new Map<string, RawTransaction & { bytes: number }>();

  constructor(options: GatherOptions, deps: GatherDeps) {
    this.options = options;
    this.chain = deps.chain;
    this.progress = deps.progress ?? (() => undefined);
  }

  /** The transaction; undefined when nobody knows it, or what came is another one. */
  async tx(txid: string): Promise<(RawTransaction & { bytes: number }) | undefined> {
    const kept = this.known.get(txid);
    if (kept !== undefined) return kept;
    const hex = await this.chain.rawTx(txid);
    const tx = hex === undefined ? undefined : readRawTx(hex);
    if (hex === undefined || tx?.txid !== txid) return undefined;
    const found = { ...tx, bytes: hex.length / 2 };
    this.known.set(txid, found);
    return found;
  }

  async chainTx(txid: string): Promise<ChainTx | undefined> {
    const tx = await this.tx(txid);
    if (tx === undefined) return undefined;
    const height = await this.chain.heightOf(txid);
    return { tx, bytes: tx.bytes, ...(height === undefined ? {} : { height }) };
  }

  /** The round's link: where the target or the hint says, else by walking the ledger, else in the operator's history. */
  async findLink(): Promise<ChainTx | undefined> {
    const { target, hints } = this.options;
    const named = /^[0-9a-f]{64}$/.test(target) ? target : hints.linkTxid;
    if (named !== undefined) {
      const link = await this.chainTx(named);
      if (link !== undefined) return link;
    }
    if (hints.genesis !== undefined) {
      const found = await this.walkForward(hints.genesis);
      if (found !== undefined) return found;
    }
    return hints.operatorKey === undefined ? undefined : await this.searchHistory(hints.operatorKey);
  }

  /** The links from this one's parent back, at most `depth`. */
  async ancestors(link: RawTransaction): Promise<{ found: ChainTx[]; cutShort: boolean }> {
    const found: ChainTx[] = [];
    for (let child = link; ; ) {
      const parent = await this.parentOf(child);
      if (parent === undefined) return { found, cutShort: false };
      if (found.length === this.options.depth) return { found, cutShort: true };
      found.push({ tx: parent, bytes: parent.bytes });
      child = parent;
      this.progress(`ledger link ${found.length} back`);
    }
  }

  /**
   * What a settled round's money moved through: the spenders of its deposits and, from pots, the payouts. Without
   * `deposits` (a voided round's journal is not public) what the hints name, if it spends an escrow or a pot at all.
   */
  async settlementOf(deposits?: readonly string[]): Promise<ChainTx[]> {
    const found = new Map<string, RawTransaction>();
    const spent = new Set<string>();
    const add = async (txid: string): Promise<void> => {
      const tx = found.has(txid) ? undefined : await this.tx(txid);
      if (tx === undefined) return;
      found.set(txid, tx);
      for (const input of tx.inputs) spent.add(outpointOf(input));
    };
    await each(this.options.hints.settlement ?? [], add);
    const wanted = new Set(deposits);
    // A hint may name what it likes: only what spends this round's deposits, or their pots, counts.
    const spendsOwn = (tx: RawTransaction): boolean =>
      deposits === undefined
        ? traceStep(tx) !== undefined
        : tx.inputs.some((input) => wanted.has(outpointOf(input)) || found.has(input.txid));
    for (const [txid, tx] of found) if (!spendsOwn(tx)) found.delete(txid);
    await each(deposits ?? [], async (outpoint) => {
      if (spent.has(outpoint)) return;
      const [txid = "", vout = ""] = outpoint.split(":");
      const by = await this.chain.spentBy(txid, Number(vout));
      if (by !== undefined) await add(by);
      this.progress(`settlement: ${found.size} transactions`);
    });
    await each([...found.values()], (tx) => this.followPots(tx, add));
    const txs: ChainTx[] = [];
    await each([...found.keys()], async (txid) => {
      const tx = await this.chainTx(txid);
      if (tx !== undefined) txs.push(tx);
    });
    return txs;
  }

  /** Everything whose outputs the checks look at. */
  async sourcesOf(
    deposits: readonly string[],
    settlement: readonly ChainTx[],
  ): Promise<Map<string, RawTransaction>> {
    const own = new Set(settlement.map(({ tx }) => tx.txid));
    const spent = new Set(settlement.flatMap(({ tx }) => tx.inputs.map(outpointOf)));
    const isDeposit = new Set(deposits);
    const outside = settlement.flatMap(({ tx }) =>
      tx.inputs
        .filter((input) => !own.has(input.txid) && !isDeposit.has(outpointOf(input)))
        .map(({ txid }) => txid),
    );
    const unspent = deposits
      .filter((outpoint) => !spent.has(outpoint))
      .map((outpoint) => outpoint.slice(0, 64));
    const sources = new Map<string, RawTransaction>();
    await each([...new Set([...outside, ...unspent])], async (txid) => {
      const tx = await this.tx(txid);
      if (tx !== undefined) sources.set(txid, tx);
    });
    // A coin of operator and auditor: back to the deposit it was made from.
    await each([...new Set(outside)], async (txid) => {
      let tx = sources.get(txid);
      for (let steps = 0; tx !== undefined && steps < 3; steps++) {
        const from = traceStep(tx);
        tx = from && (await this.tx(from.txid));
        if (tx !== undefined) sources.set(tx.txid, tx);
      }
    });
    return sources;
  }

  /** One step back in the ledger: a link's parent, or before a genesis the handover to it. */
  private async parentOf(child: RawTransaction): Promise<(RawTransaction & { bytes: number }) | undefined> {
    const body = readLink(child.outputs)?.body;
    if (body === undefined) return undefined;
    if (!("genesis" in body)) return await this.tx(child.inputs[0]?.txid ?? "");
    if (body.previous === undefined) return undefined;
    const [txid = "", vout = ""] = body.previous.split(":");
    const handover = await this.chain.spentBy(txid, Number(vout));
    return handover === undefined ? undefined : await this.tx(handover);
  }

  private isWanted(link: ReadLink | undefined): boolean {
    return link !== undefined && "roundId" in link.body && link.body.roundId === this.options.target;
  }

  private async walkForward(genesis: string): Promise<ChainTx | undefined> {
    let [txid = "", vout = "0"] = genesis.split(":");
    for (let steps = 0; steps < MAX_WALK; steps++) {
      const by = await this.chain.spentBy(txid, Number(vout));
      const link = by === undefined ? undefined : await this.tx(by);
      const read = link && readLink(link.outputs);
      if (link === undefined || read === undefined) return undefined;
      if (this.isWanted(read)) return await this.chainTx(link.txid);
      this.progress(`walking the ledger, link ${read.state.seq}`);
      [txid, vout] =
        "handover" in read.body ? (read.body.handover.split(":") as [string, string]) : [link.txid, "0"];
    }
    return undefined;
  }

  private async searchHistory(operatorKey: string): Promise<ChainTx | undefined> {
    const history = await this.chain.historyOf(addressOf(operatorKey, this.options.network));
    for (const [at, txid] of history.slice(-MAX_WALK).reverse().entries()) {
      const tx = await this.tx(txid);
      if (tx !== undefined && this.isWanted(readLink(tx.outputs))) return await this.chainTx(txid);
      this.progress(`searching the operator's transactions, ${at + 1}`);
    }
    return undefined;
  }

  /** A transaction that spends deposits and pays no player but only pots: what spends the pots belongs to it. */
  private async followPots(tx: RawTransaction, add: (txid: string) => Promise<void>): Promise<void> {
    const isPot = (script: string): boolean => /^76a914[0-9a-f]{40}88ad76a914[0-9a-f]{40}88ac$/.test(script);
    if (traceStep(tx)?.kind !== "deposit" || !tx.outputs.every(({ script }) => isPot(script))) return;
    for (const vout of tx.outputs.keys()) {
      const by = await this.chain.spentBy(tx.txid, vout);
      if (by !== undefined) await add(by);
    }
  }
}

/**
 * Fetches everything a verification needs, as far as the chain has it. Rejects when the chain API cannot be reached; what
 * the chain does not have is simply absent, and turns its check red.
 */
export async function gatherRound(options: GatherOptions, deps: GatherDeps): Promise<RoundEvidence> {
  const gatherer = new Gatherer(options, deps);
  const say = deps.progress ?? (() => undefined);
  const nothing = {
    network: options.network,
    roundId: options.target,
    ancestors: [],
    settlement: [],
    sources: new Map<string, RawTransaction>(),
  };
  const genesis = options.hints.genesis === undefined ? {} : { genesis: options.hints.genesis };
  say("the ledger link");
  const link = await gatherer.findLink();
  const read = link && readLink(link.tx.outputs);
  if (link === undefined) return nothing;
  if (read === undefined || !("roundId" in read.body)) return { ...nothing, link };
  const isTxid = options.target === link.tx.txid;
  const roundId = isTxid ? read.body.roundId : options.target;
  const { found: ancestors, cutShort } = await gatherer.ancestors(link.tx);
  const ledger = { roundId, link, ancestors, ...genesis, ...(cutShort ? { cutShort: true as const } : {}) };
  if (read.body.outcome === "voided") {
    say("what came back");
    const settlement = await gatherer.settlementOf();
    return { ...nothing, ...ledger, settlement, sources: await gatherer.sourcesOf([], settlement) };
  }
  say("the journal");
  const journalTx = await gatherer.chainTx(read.body.journalTxid);
  if (journalTx === undefined) return { ...nothing, ...ledger };
  const journal = await journalIn(journalTx.tx);
  if ("problem" in journal) return { ...nothing, ...ledger, journalTx, journal };
  const deposits = depositsIn(journal.entries);
  say("the settlement");
  const settlement = await gatherer.settlementOf(deposits);
  say("the coins it spends");
  const sources = await gatherer.sourcesOf(deposits, settlement);
  return { ...nothing, ...ledger, journalTx, journal, settlement, sources };
}
