/** M1 in time: a silent network, large deposits, the freeze. The clock passes only where the code sleeps. */
import { strict as assert } from "node:assert";
import { actor } from "../../../shared-schema/test/support/round.ts";
import type { BroadcastResult, ChainPort, TxStatus } from "../../src/chain/index.ts";
import { type DepositDeps, Deposits } from "../../src/payment/deposits/index.ts";
import { depositTx } from "./pay.ts";
import { type MoneyRound, World } from "./world.ts";

describe("deposits when the network is slow", () => {
  let world: World;
  let round: MoneyRound;
  before(async () => {
    world = await World.start();
    round = world.round(1);
  });
  after(() => world.stop());

  /** Time that passes only in `sleep`. */
  function clockwork(chain: Partial<ChainPort>): { deposits: Deposits; elapsed(): number } {
    let now = 0;
    const waiting: { at: number; wake: () => void }[] = [];
    const sleep = (ms: number) =>
      new Promise<void>((wake) => {
        waiting.push({ at: now + ms, wake });
        setImmediate(() => setImmediate(turn));
      });
    const turn = (): void => {
      waiting.sort((a, b) => a.at - b.at);
      const next = waiting.shift();
      if (next === undefined) return;
      now = Math.max(now, next.at);
      next.wake();
    };
    const deps: DepositDeps = {
      redis: world.redis,
      chain: { ...world.net.port, spentBy: async () => undefined, ...chain },
      logger: world.logger,
      now: () => now,
      sleep,
    };
    return { deposits: new Deposits({ unminedCapSats: 1_000_000 }, deps), elapsed: () => now };
  }
  const pending: BroadcastResult = { outcome: "pending", txid: "", reason: "timeout" };
  const tx = async (name: string, sats = 5_000) => {
    const who = actor(name);
    return { who, tx: depositTx(who, await world.coin(who, sats + 2_000), sats, round.terms).rawHex };
  };

  it("M1 is pending after 5 s, accepted when the network has seen the same bytes", async () => {
    const made = await tx("slow");
    let asked = 0;
    let seen = false;
    const sent: string[] = [];
    const { deposits, elapsed } = clockwork({
      broadcast: async (one) => {
        sent.push("rawHex" in one ? one.rawHex : "");
        return seen ? { outcome: "seen", txid: "", witnesses: 1 } : pending;
      },
      status: async (): Promise<TxStatus> => {
        asked++;
        return { state: "unknown" };
      },
    });
    const verdict = await deposits.accept(round.terms, made.who, made.tx);
    assert.ok(verdict.ok === "pending");
    assert.ok(elapsed() >= 5_000 && asked > 1);
    seen = true;
    const late = await verdict.pending;
    assert.equal(late.ok === true && late.sats, 5_000);
    assert.deepEqual(new Set(sent), new Set([made.tx]));
  });
  it("M1 a pending deposit that the network refuses in the end is refused", async () => {
    const made = await tx("late conflict");
    const { deposits, elapsed } = clockwork({
      broadcast: async () => (elapsed() < 6_000 ? pending : { outcome: "conflict", txid: "", competing: [] }),
      status: async (): Promise<TxStatus> => ({ state: "unknown" }),
    });
    const verdict = await deposits.accept(round.terms, made.who, made.tx);
    assert.ok(verdict.ok === "pending");
    const late = await verdict.pending;
    assert.equal(late.ok === false && late.code, "DEPOSIT_CONFLICT");
  });
  it("M1 gives up on a network that never answers, in a way that may be tried again", async () => {
    const made = await tx("never");
    const { deposits } = clockwork({
      broadcast: async () => pending,
      status: async () => {
        throw new Error("down");
      },
    });
    const verdict = await deposits.accept(round.terms, made.who, made.tx);
    assert.ok(verdict.ok === "pending");
    const late = await verdict.pending;
    assert.equal(late.ok === false && late.code, "UNAVAILABLE");
  });

  it("M1 over 20,000 sat a deposit counts when no conflict has shown up for 5 s", async () => {
    const outcomes: [string, TxStatus, boolean][] = [
      ["stays", { state: "seen" }, true],
      ["gets a competitor", { state: "conflict", competing: ["x"] }, false],
    ];
    for (const [name, after, good] of outcomes) {
      for (const sats of [20_001, 100_000]) {
        const made = await tx(`large ${name} ${sats}`, sats);
        const { deposits, elapsed } = clockwork({
          broadcast: async () => ({ outcome: "seen", txid: "", witnesses: 2 }),
          status: async (): Promise<TxStatus> => (elapsed() < 3_000 ? { state: "seen" } : after),
        });
        const verdict = await deposits.accept(round.terms, made.who, made.tx);
        const late = verdict.ok === "pending" ? await verdict.pending : verdict;
        assert.deepEqual(late.ok ? late.sats : late.code, good ? sats : "DEPOSIT_CONFLICT");
        assert.ok(elapsed() >= (good ? 5_000 : 3_000));
      }
    }
  });

  it("M1 over 20,000 sat one broadcaster's word is not enough; a block's is", async () => {
    const made = await tx("one witness", 30_000);
    for (const settledBy of ["second", "block", "nobody"] as const) {
      const { deposits, elapsed } = clockwork({
        broadcast: async () => ({
          outcome: "seen",
          txid: "",
          witnesses: settledBy === "second" && elapsed() > 9_000 ? 2 : 1,
        }),
        status: async (): Promise<TxStatus> =>
          settledBy === "block" && elapsed() > 2_000
            ? { state: "mined", height: 9, blockHash: "" }
            : { state: "seen" },
      });
      const verdict = await deposits.accept(round.terms, made.who, made.tx);
      const late = verdict.ok === "pending" ? await verdict.pending : verdict;
      assert.equal(late.ok === true ? "good" : late.code, settledBy === "nobody" ? "UNAVAILABLE" : "good");
      const least = { second: 9_000, block: 2_000, nobody: 120_000 }[settledBy];
      assert.ok(elapsed() >= least && elapsed() < least + 5_000, `${settledBy}: ${elapsed()} ms`);
    }
  });

  it("M1 the freeze drops what has a competitor, was refused or is lost, and only that, within 10 s", async () => {
    const states: Record<string, TxStatus | Error> = {
      a: { state: "seen" },
      b: { state: "mined", height: 1, blockHash: "" },
      c: { state: "conflict", competing: ["x"] },
      d: { state: "rejected", reason: "no" },
      e: { state: "unknown" },
      f: { state: "pending" },
      g: new Error("down"),
    };
    const { deposits, elapsed } = clockwork({
      status: async (txid) => {
        const state = states[txid];
        if (state === undefined || state instanceof Error) throw state ?? new Error("not asked for");
        return state;
      },
    });
    const { identity } = actor("judged");
    const dropped = await deposits.judge(Object.keys(states).map((txid) => ({ txid, vout: 0, identity })));
    assert.deepEqual(dropped, ["c:0", "d:0", "e:0"]);
    assert.ok(elapsed() < 10_000, `${elapsed()} ms`);
  });
  it("M1 a chain that never answers does not hold the freeze up", async () => {
    const { deposits, elapsed } = clockwork({ status: () => new Promise(() => undefined) });
    assert.deepEqual(await deposits.judge([{ txid: "a", vout: 0, identity: "x" }]), []);
    assert.ok(elapsed() <= 10_000);
  });
});
