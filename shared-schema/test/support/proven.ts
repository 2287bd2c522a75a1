/**
 * A finished round as it stands on a chain, without a server: real keys, deposits, journal file, ledger links, settlement
 * and the round before it that left a jackpot. Owns: making it, and a chain to read it from. Holds no assertion.
 */
import { toHex, utf8 } from "../../src/bytes.ts";
import { publicKeyOf } from "../../src/crypto.ts";
import { entryIdOf, escrowScript } from "../../src/escrow.ts";
import { sha256, sha256Hex } from "../../src/hash.ts";
import { linkUnlock } from "../../src/ledger.ts";
import { type LinkBody, linkOutputs, NO_AUDIT_HEAD, payoutHashOf } from "../../src/ledger-link.ts";
import { p2pkhScript, twoKeyScript } from "../../src/lock.ts";
import { journalScript, packJournal } from "../../src/mrj1-file.ts";
import { type ComputedOutcome, computeOutcome, outpointOf } from "../../src/payout.ts";
import type { BodyOf, Entry } from "../../src/records.ts";
import { deadlineOf } from "../../src/rules.ts";
import {
  type OperatorCoin,
  type SettledOutcome,
  type SettlementLimits,
  type SettlementPlan,
  transactionOf,
} from "../../src/settlement.ts";
import { planSettlement } from "../../src/settlement-plan.ts";
import { FINAL_SEQUENCE, type PlainTx, preimages, rawTxBytes, type TxOutput } from "../../src/sighash.ts";
import { readRawTx } from "../../src/tx-read.ts";
import { p2pkhUnlock, settleUnlock, signPreimage, twoKeyUnlock } from "../../src/unlock.ts";
import type { ChainReader } from "../../src/verify-round-gather.ts";
import { type Actor, actor, REAL, type Signer, TestRound } from "./round.ts";

export const secretOf = (name: string): Uint8Array => sha256(utf8(name));
const OPERATOR = secretOf("operator");
const AUDITOR = secretOf("auditor");
const key = (secret: Uint8Array): string => publicKeyOf(secret);

/** A chain in memory: whatever was put in is mined at height 100. */
export class MapChain implements ChainReader {
  readonly raw = new Map<string, string>();
  readonly unmined = new Set<string>();
  /** Outpoint to the txid that spends it. */
  readonly spends = new Map<string, string>();
  /** What was asked for, to count. */
  asked = 0;

  add(rawHex: string): string {
    const tx = readRawTx(rawHex);
    if (tx === undefined) throw new Error("not a transaction");
    this.raw.set(tx.txid, rawHex);
    for (const input of tx.inputs) this.spends.set(outpointOf(input), tx.txid);
    return tx.txid;
  }

  async rawTx(txid: string): Promise<string | undefined> {
    this.asked++;
    return this.raw.get(txid);
  }

  async spentBy(txid: string, vout: number): Promise<string | undefined> {
    this.asked++;
    return this.spends.get(`${txid}:${vout}`);
  }

  async heightOf(txid: string): Promise<number | undefined> {
    return this.unmined.has(txid) ? undefined : 100;
  }

  async historyOf(): Promise<string[]> {
    return [...this.raw.keys()];
  }
}

/** A transaction paid for by a coin out of nowhere, of the owner's key. */
function payFrom(chain: MapChain, owner: Uint8Array, outputs: TxOutput[], name: string): string {
  const script = p2pkhScript(key(owner));
  const total = outputs.reduce((sum, { sats }) => sum + sats, 0);
  const input = {
    txid: sha256Hex(utf8(`coin ${name}`)),
    vout: 0,
    sats: total + 100,
    script,
    sequence: FINAL_SEQUENCE,
  };
  const tx: PlainTx = { version: 1, inputs: [input], outputs, locktime: 0 };
  const signature = signPreimage(preimages(tx)(0), owner);
  return chain.add(toHex(rawTxBytes(tx, [p2pkhUnlock({ signature, publicKey: key(owner) })])));
}

const by = (secret: Uint8Array, preimage: Uint8Array) => ({
  signature: signPreimage(preimage, secret),
  publicKey: key(secret),
});

/** Signs and adds a plan's transactions; `alter` changes one before it is signed, as a lying operator and auditor could. */
export function settle(
  chain: MapChain,
  plan: SettlementPlan,
  alter: (tx: PlainTx, at: number) => PlainTx = (tx) => tx,
): string[] {
  const txids: string[] = [];
  for (const [at, planned] of plan.txs.entries()) {
    const tx = alter(transactionOf(planned, txids), at);
    const of = preimages(tx);
    const unlocking = tx.inputs.map((_input, index) => {
      const kind = planned.inputs[index]?.kind;
      if (kind === "operator") return p2pkhUnlock(by(OPERATOR, of(index)));
      const unlock = kind === "deposit" ? settleUnlock : twoKeyUnlock;
      return unlock(by(OPERATOR, of(index)), by(AUDITOR, of(index)));
    });
    txids.push(chain.add(toHex(rawTxBytes(tx, unlocking))));
  }
  return txids;
}

function escrowOf(open: BodyOf<"open">, playKey: string): string {
  const { operatorKey, auditorKey, network, roundId, rules, closesAt } = open;
  const entryId = entryIdOf(network, roundId);
  return escrowScript({ entryId, operatorKey, auditorKey, playKey, deadline: deadlineOf(rules, closesAt) });
}

/** The next link of the ledger, spending `parent`. */
export function addLink(
  chain: MapChain,
  parent: string,
  seq: number,
  body: LinkBody,
  operator = OPERATOR,
): string {
  const before = readRawTx(chain.raw.get(parent) ?? "")?.outputs[0];
  if (before === undefined) throw new Error("no parent");
  const fuel = {
    txid: sha256Hex(utf8(`fuel ${parent}`)),
    vout: 0,
    sats: 1_000,
    script: p2pkhScript(key(operator)),
  };
  const plain: PlainTx = {
    version: 1,
    inputs: [
      { txid: parent, vout: 0, sequence: FINAL_SEQUENCE, ...before },
      { ...fuel, sequence: FINAL_SEQUENCE },
    ],
    outputs: linkOutputs(seq, body, key(operator)),
    locktime: 0,
  };
  const { tx, unlocking } = linkUnlock(plain, 0, operator);
  return chain.add(toHex(rawTxBytes(tx, [unlocking, p2pkhUnlock(by(operator, preimages(tx)(1)))])));
}

export interface Shape {
  players: number;
  memes: number;
  /** Boosts of each player. */
  boosts?: number;
  carryIn?: number;
  limits?: SettlementLimits;
  /** Changes the journal before it goes on the chain, as one who keeps it could. */
  journal?: (entries: Entry[]) => Entry[];
  signer?: Signer;
  /** Ed25519, hex; named in record 1. */
  receiptKey?: string;
  /** What the first deposit on the chain really is; the journal says otherwise. */
  depositLock?: "other";
  depositSats?: number;
  /** The round whose deposit the jackpot's coin is really from. */
  carryOrigin?: string;
}

export interface Proven {
  chain: MapChain;
  roundId: string;
  round: TestRound;
  cast: Actor[];
  entries: Entry[];
  genesis: string;
  link: string;
  /** The link before the round's. */
  parent: string;
  body: LinkBody;
  journalTxid: string;
  plan: SettlementPlan;
  settlement: string[];
}

/** The round before: one deposit, settled into a carry of `sats`. */
function addCarry(chain: MapChain, open: BodyOf<"open">, sats: number, origin?: string): OperatorCoin {
  const past = { ...open, roundId: origin ?? open.carryFrom[0]?.roundId ?? "" };
  const who = actor("past");
  const script = escrowOf(past, who.playKey);
  const deposit = payFrom(chain, who.secret, [{ sats: sats + 500, script }], "past");
  const lock = twoKeyScript(open.operatorKey, open.auditorKey);
  const input = { txid: deposit, vout: 0, sats: sats + 500, script, sequence: FINAL_SEQUENCE };
  const tx: PlainTx = { version: 1, inputs: [input], outputs: [{ sats, script: lock }], locktime: 0 };
  const preimage = preimages(tx)(0);
  const txid = chain.add(
    toHex(rawTxBytes(tx, [settleUnlock(by(OPERATOR, preimage), by(AUDITOR, preimage))])),
  );
  return { txid, vout: 0, sats, script: lock };
}

const owed = (outcome: ComputedOutcome): SettledOutcome =>
  outcome.kind === "void" ? { kind: "void", returned: outcome.returned } : outcome;

/** One meme alone makes a voided round. */
export async function proven(shape: Shape): Promise<Proven> {
  const { players, memes, boosts = 1, carryIn = 0 } = shape;
  const chain = new MapChain();
  const round = new TestRound({
    carryIn,
    signer: shape.signer ?? REAL,
    ...(shape.receiptKey ? { receiptKey: shape.receiptKey } : {}),
  });
  const { open } = round.state;
  const cast = Array.from({ length: players }, (_, at) => actor(`v${at}`));
  /** What the deposits hold, whatever the journal says: signatures are made for that. */
  const real = new Map<string, TxOutput>();
  for (const who of cast) {
    const { playKey, identity, secret } = who;
    const isFirst = who === cast[0];
    const lock = isFirst && shape.depositLock ? actor("other").playKey : playKey;
    const sats = (isFirst ? shape.depositSats : undefined) ?? 20_000;
    const output = { sats, script: escrowOf(open, lock) };
    const txid = payFrom(chain, secret, [output], playKey);
    real.set(txid, output);
    round.must({ kind: "deposit", playKey, identity, txid, vout: 0, sats: 20_000 });
  }
  for (const [at, who] of cast.slice(0, memes).entries()) round.must(round.enter(who, `m${at}`));
  for (let turn = 0; turn < (memes > 1 ? boosts : 0); turn++)
    for (const [at, who] of cast.entries())
      round.at(1_000 + turn * 1_000).must(round.boost(who, `m${(at + 1 + turn) % memes}`, 500 + (at % 100)));
  round.must(round.chat(cast[0] ?? actor("v0"), "gm"));
  round.end();
  const outcome = computeOutcome(round.state);

  const coin = carryIn === 0 ? undefined : addCarry(chain, open, carryIn, shape.carryOrigin);
  const coins = Array.from({ length: 60 }, (_, at): OperatorCoin => {
    const script = p2pkhScript(key(OPERATOR));
    return {
      txid: payFrom(chain, OPERATOR, [{ sats: 20_000, script }], `op${at}`),
      vout: 0,
      sats: 20_000,
      script,
    };
  });
  const deposits = [...round.state.players.values()].flatMap(({ playKey, deposits: all }) =>
    all.map(({ txid, vout, sats }) => ({ txid, vout, sats, playKey })),
  );
  const made = planSettlement({
    open,
    deposits,
    outcome,
    carryCoins: coin === undefined ? [] : [{ ...coin, roundId: open.carryFrom[0]?.roundId ?? "" }],
    operatorCoins: coins,
    feeSatPerKb: 100,
    mined: new Set(deposits.map(outpointOf)),
    ...(shape.limits ? { limits: shape.limits } : {}),
  });
  if (!made.ok) throw new Error(made.code);
  const settlement = settle(chain, made.plan, (tx) => ({
    ...tx,
    inputs: tx.inputs.map((input) => ({ ...input, ...real.get(input.txid) })),
  }));

  const entries = shape.journal?.([...round.entries]) ?? round.entries;
  const file = await packJournal(entries);
  const { roundId } = open;
  const journalTxid = payFrom(
    chain,
    OPERATOR,
    [{ sats: 0, script: journalScript(roundId, file) }],
    "journal",
  );
  const last = entries.at(-1);
  if (last === undefined) throw new Error("no end");
  const genesisBody = { arena: "main", genesis: "devchain" } as const;
  const genesisTxid = payFrom(chain, OPERATOR, linkOutputs(0, genesisBody, key(OPERATOR)), "genesis");
  const zeros = NO_AUDIT_HEAD;
  const past: LinkBody = {
    arena: "main",
    roundId: "main-1",
    journalHash: zeros,
    payoutHash: zeros,
    auditHead: zeros,
    outcome: "voided",
    reason: "nobody came",
  };
  const parent = addLink(chain, genesisTxid, 1, past);
  const common = { arena: "main", roundId, journalHash: last.hash, auditHead: zeros };
  const body: LinkBody =
    last.record.kind === "result"
      ? {
          ...common,
          journalTxid,
          payoutHash: payoutHashOf({ kind: "result", result: last.record.body }),
          outcome: "closed",
        }
      : { ...common, payoutHash: payoutHashOf(owed(outcome)), outcome: "voided", reason: "too few memes" };
  const link = addLink(chain, parent, 2, body);
  return {
    chain,
    roundId,
    round,
    cast,
    entries,
    genesis: `${genesisTxid}:0`,
    link,
    parent,
    body,
    journalTxid,
    plan: made.plan,
    settlement,
  };
}
