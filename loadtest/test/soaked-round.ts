/**
 * A finished round with its journal, its chain and its players' notes, all in memory, for tests of the proof. Owns: an
 * honest world in which everything is right; a test spoils one thing of it. The settlement is put together here by hand,
 * not by the code that the soak is to judge.
 */
import { addressOf, ed25519PublicKey, signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import { p2pkhScript, twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { acceptedBytes } from "@meme-rounds/shared-schema/receipt";
import { deadlineOf } from "@meme-rounds/shared-schema/rules";
import { type Actor, actor, STUB, TestRound, txidOf } from "../../shared-schema/test/support/round.ts";
import type { ChainView, SeenTx } from "../src/money/chain-view.ts";
import { type Proof, prove } from "../src/money/prove.ts";
import type { KeptDeposit, KeptReceipt } from "../src/money/prove-players.ts";

export type FakeTx = Omit<SeenTx, "version" | "locktime">;

/** A chain that is what the test says it is. */
export class FakeChain implements ChainView {
  readonly txs = new Map<string, FakeTx>();
  height = 100;

  add(tx: FakeTx): void {
    this.txs.set(tx.txid, tx);
  }

  async tx(txid: string): Promise<SeenTx | undefined> {
    const found = this.txs.get(txid);
    return found && { ...found, version: 1, locktime: 0 };
  }

  async spentBy(txid: string, vout: number): Promise<string | undefined> {
    for (const tx of this.txs.values())
      if (tx.inputs.some((input) => input.txid === txid && input.vout === vout)) return tx.txid;
    return undefined;
  }

  async tip(): Promise<number> {
    return this.height;
  }

  /** Only addresses of the world are ever asked for; the fake knows them by their script. */
  readonly scripts = new Map<string, string>();

  async history(address: string): Promise<string[]> {
    const script = this.scripts.get(address);
    const pays = ({ txid, vout }: { txid: string; vout: number }): boolean =>
      this.txs.get(txid)?.outputs[vout]?.script === script;
    return [...this.txs.values()]
      .filter((tx) => tx.outputs.some((output) => output.script === script) || tx.inputs.some(pays))
      .map(({ txid }) => txid);
  }
}

const RECEIPT_SEED = sha256(new TextEncoder().encode("receipts of the soak's tests"));
const COIN_SATS = 70_000;
const CHANGE_SATS = 49_955;
const DEPOSIT_SATS = 20_000;
const OPERATOR_SATS = 100_000;
export const MINER_FEE = 321;
const MINED_AT = 90;

const input = (txid: string, vout: number, unlocking = "00") => ({
  txid,
  vout,
  sequence: 0xffffffff,
  unlocking,
});

/** The receipt with the server's true signature over what it says. */
export function genuine(round: TestRound, receipt: KeptReceipt): KeptReceipt {
  const { seq, at, hash } = receipt;
  return { ...receipt, sig: signEd25519(acceptedBytes(round.state.roundTag, seq, at, hash), RECEIPT_SEED) };
}

export interface SoakedRound {
  round: TestRound;
  chain: FakeChain;
  players: {
    who: Actor;
    notes: { deposits: KeptDeposit[]; receipts: KeptReceipt[]; otherTxids: string[] };
  }[];
  settlement: FakeTx;
  prove(): Promise<Proof>;
}

/** ann and bob enter, cat and dan boost; `dropped` names whose deposit the freeze drops. */
export function soakedRound(
  options: { dropped?: "dan"; settled?: "directly" | "over pots" } = {},
): SoakedRound {
  const round = new TestRound({ receiptKey: ed25519PublicKey(RECEIPT_SEED) });
  const chain = new FakeChain();
  const actors = ["ann", "bob", "cat", "dan"].map((name) => actor(name));
  const [ann, bob, cat, dan] = actors as [Actor, Actor, Actor, Actor];
  const { open } = round.state;
  const players = actors.map((who) => ({
    who,
    notes: { deposits: [] as KeptDeposit[], receipts: [] as KeptReceipt[], otherTxids: [] as string[] },
  }));
  const notesOf = (who: Actor) => {
    const found = players.find((one) => one.who === who);
    if (!found) throw new Error("nobody");
    return found.notes;
  };
  const keep = (who: Actor, kind: KeptReceipt["kind"], sent: string): void => {
    const { seq, at, hash } = round.state.head;
    const receipt = { roundId: open.roundId, seq, at, hash, sig: "", kind, sent };
    notesOf(who).receipts.push(genuine(round, receipt));
  };

  for (const [at, who] of actors.entries()) {
    const own = p2pkhScript(who.playKey);
    chain.scripts.set(addressOf(who.playKey, "devchain"), own);
    const coin = txidOf(`coin ${at}`);
    const txid = txidOf(`deposit ${at}`);
    chain.add({ txid: coin, inputs: [], outputs: [{ sats: COIN_SATS, script: own }], height: 1 });
    const script = escrowScript({
      entryId: entryIdOf(open.network, open.roundId),
      operatorKey: open.operatorKey,
      auditorKey: open.auditorKey,
      playKey: who.playKey,
      deadline: deadlineOf(open.rules, open.closesAt),
    });
    const outputs = [
      { sats: DEPOSIT_SATS, script },
      { sats: CHANGE_SATS, script: own },
    ];
    chain.add({ txid, inputs: [input(coin, 0)], outputs, height: MINED_AT - 1 });
    const notes = notesOf(who);
    notes.otherTxids.push(coin);
    notes.deposits.push({
      roundId: open.roundId,
      txid,
      sats: DEPOSIT_SATS,
      coins: [{ txid: coin, vout: 0 }],
      answer: "accepted",
    });
    round.must(round.deposit(who, DEPOSIT_SATS, `deposit ${at}`));
    keep(who, "deposit", txid);
  }
  for (const [who, name] of [
    [ann, "cats"],
    [bob, "dogs"],
  ] as const) {
    const command = round.enter(who, name);
    round.must(command);
    keep(who, "enter", command.voucher.bytes);
  }
  for (const [who, name, sats] of [
    [cat, "cats", 3_000],
    [dan, "dogs", 1_200],
    [ann, "dogs", 500],
  ] as const) {
    const command = round.boost(who, name, sats);
    round.must(command);
    keep(who, "boost", command.voucher.bytes);
  }
  const isIn = (who: Actor): boolean => options.dropped === undefined || who !== dan;
  round.end(options.dropped === "dan" ? [`${txidOf("deposit 3")}:0`] : []);

  const operatorScript = p2pkhScript(open.operatorKey);
  chain.scripts.set(addressOf(open.operatorKey, "devchain"), operatorScript);
  const fed = {
    txid: txidOf("faucet"),
    inputs: [],
    outputs: [{ sats: OPERATOR_SATS, script: "51" }],
    height: 1,
  };
  chain.add(fed);
  chain.add({
    txid: txidOf("operator coin"),
    inputs: [input(fed.txid, 0)],
    outputs: [{ sats: OPERATOR_SATS, script: operatorScript }],
    height: 2,
  });
  const outcome = computeOutcome(round.state);
  if (outcome.kind !== "result") throw new Error("the round was voided");
  const { payouts, carryOut, fee, seatFees } = outcome.result;
  const lock = twoKeyScript(open.operatorKey, open.auditorKey);
  const deposits = actors.flatMap((who, at) =>
    isIn(who) ? [input(txidOf(`deposit ${at}`), 0, "aa51")] : [],
  );
  const overPots = options.settled === "over pots";
  if (overPots)
    chain.add({
      txid: txidOf("collect"),
      inputs: deposits,
      outputs: [{ sats: deposits.length * DEPOSIT_SATS, script: lock }],
      height: MINED_AT,
    });
  const settlement: FakeTx = {
    txid: txidOf("settlement"),
    inputs: [...(overPots ? [input(txidOf("collect"), 0)] : deposits), input(txidOf("operator coin"), 0)],
    outputs: [
      ...payouts.map(({ playKey, won, returned }) => ({
        sats: won + returned,
        script: p2pkhScript(playKey),
      })),
      { sats: carryOut, script: lock },
      { sats: OPERATOR_SATS + fee + seatFees - MINER_FEE, script: operatorScript },
    ],
    height: MINED_AT,
  };
  chain.add(settlement);
  return {
    round,
    chain,
    players,
    settlement,
    prove: () =>
      prove({
        journals: new Map([[open.roundId, round.entries]]),
        players: players.map(({ who, notes }) => ({
          playKey: who.playKey,
          isHonest: true,
          ancestors: [],
          ...notes,
        })),
        chain,
        verify: STUB.verify,
      }),
  };
}
