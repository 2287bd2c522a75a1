/** M3: killed at any step, and started again, a worker pays each player exactly once, with the bytes it stored. */
import { strict as assert } from "node:assert";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import type { SettlementLimits } from "@meme-rounds/shared-schema/settlement";
import { assertPaid, freeCarries, lookAfter, reservedFor, SMALL } from "./settlement-kit.ts";
import { type Play, type Seat, World } from "./world.ts";

class Crash extends Error {}

interface Case {
  name: string;
  play: Omit<Play, "slot">;
  limits?: SettlementLimits;
  /** How many deposits are in a block before it is settled; none by default. */
  mined?: number;
  /** How many deposits die, after it was sent or before it is planned. */
  die?: number;
  early?: boolean;
  /** Transactions of the first plan. */
  kinds: RegExp;
}

const CASES: Case[] = [
  { name: "in one transaction", play: { players: 3, memes: 2 }, kinds: /^direct$/ },
  {
    name: "collected and paid in parts",
    play: { players: 6, memes: 3 },
    limits: SMALL,
    mined: 3,
    kinds: /^(collect )+payout payout$/,
  },
  {
    name: "voided",
    play: { players: 5, memes: 1, boost: 0 },
    limits: SMALL,
    kinds: /^(collect )+payout payout$/,
  },
  { name: "planned again, in one transaction", play: { players: 3, memes: 2 }, die: 1, kinds: /^direct$/ },
  {
    name: "planned again, in parts",
    play: { players: 6, memes: 3 },
    limits: SMALL,
    mined: 3,
    die: 2,
    kinds: /^(collect )+payout payout$/,
  },
  {
    name: "that the auditor refuses until it is planned again",
    play: { players: 5, memes: 3 },
    limits: SMALL,
    die: 1,
    early: true,
    kinds: /^(collect )+payout payout$/,
  },
];

describe("settlement killed at every step", function () {
  this.timeout(300_000);
  let world: World;
  let slot = 0;
  beforeEach(async () => {
    world = await World.start();
    slot = 0;
    await world.fill(20);
  });
  afterEach(() => world.stop());

  /** Plays a round and brings it into a block; crashes at step `crashAt`. Returns the names of the steps it took. */
  async function drive(one: Case, crashAt: number): Promise<string[]> {
    slot++;
    const claimed = await world.payment.claimCarry("main", world.round(slot).open.roundId);
    const round = await world.play({ ...one.play, slot, carryFrom: claimed });
    const { roundId } = round.open;
    const steps: string[] = [];
    const patch = {
      ...(one.limits ? { limits: one.limits } : {}),
      step(name: string) {
        steps.push(name);
        if (steps.length === crashAt) throw new Crash(name);
      },
    };
    let stored: { version: number; txids: string[] } | undefined;
    const phase = async (): Promise<void> => {
      try {
        await lookAfter(world, roundId, patch);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        const had = await world.store.read(roundId);
        if (had?.plan && had.txids.length > 0) stored = { version: had.plan.version, txids: had.txids };
        if (crashAt % 4 === 0) await world.restartAuditor();
        await lookAfter(world, roundId, patch);
      }
    };
    const left = round.seats.slice(one.mined ?? 0);
    if (one.mined !== undefined)
      await world.mine(
        1,
        left.map(({ txid }) => txid),
      );
    const lost: Seat[] = left.slice(0, one.die ?? 0);
    const kill = async (): Promise<void> => {
      for (const seat of lost) await world.kill(seat);
      await world.mine();
    };
    if (one.early) await kill();
    await phase();
    const first = await world.store.read(roundId);
    assert.match(first?.plan?.txs.map(({ kind }) => kind).join(" ") ?? "", one.kinds);
    if (lost.length > 0 && !one.early) {
      await kill();
      await phase();
    }
    if (lost.length > 0) assert.equal((await world.store.read(roundId))?.plan?.version, 2);
    await world.mine();
    await phase();
    const what = `${one.name}, crash at ${crashAt} (${steps[crashAt - 1] ?? "none"})`;
    const done = await world.store.read(roundId);
    assert.equal(done?.state, "mined", what);
    if (stored !== undefined && stored.version === done.plan?.version)
      assert.deepEqual(done.txids, stored.txids, what);
    await assertPaid(world, round, lost, what);
    const isVoid = computeOutcome(round.state).kind === "void";
    assert.deepEqual(await freeCarries(world), isVoid ? claimed.map((c) => c.roundId) : [roundId], what);
    const used = new Set(
      done.plan?.txs.flatMap(({ inputs }) => inputs).filter(({ kind }) => kind === "operator"),
    );
    assert.equal((await reservedFor(world, roundId)).length, used.size, `${what}: reserved`);
    await world.mine(6);
    await phase();
    assert.deepEqual(await reservedFor(world, roundId), [], `${what}: reserved for ever`);
    assert.deepEqual(await world.store.openRounds(), [], what);
    return steps;
  }

  for (const one of CASES)
    it(`M3 a round ${one.name}`, async () => {
      await drive({ name: "that leaves a jackpot", play: { players: 3, memes: 2 }, kinds: /^direct$/ }, 0);
      const steps = await drive(one, 0);
      assert.ok(steps.length > 15, "fewer steps than there are waits");
      for (let at = 1; at <= steps.length; at++) await drive(one, at);
    });
});
