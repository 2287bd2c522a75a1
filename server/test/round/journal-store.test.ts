/** The journal in Redis: fenced, ordered, durable in one step. Rules R1, R4. */
import assert from "node:assert/strict";
import { EMPTY_HEAD, headOf, seal } from "@meme-rounds/shared-schema/records";
import { defaultRules } from "@meme-rounds/shared-schema/rules";
import { openBody } from "../../../shared-schema/test/support/round.ts";
import { leaseKey, releaseLease, renewLease, takeLease, tryLease } from "../../src/infra/leases.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { appendJournal, FencedError, readJournal, readStored } from "../../src/round/journal-store.ts";
import { appendSurely } from "../../src/round/sure-append.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const ROUND = "main-1800000000";
const first = seal(EMPTY_HEAD, 1_800_000_000_000, { kind: "open", body: openBody(defaultRules(600, 100)) });
const second = seal(headOf(first), 1_800_000_570_000, { kind: "phase", body: { to: "blind" } });

describe("journal store", () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
  });
  after(async () => {
    redis.disconnect();
    await server.close();
  });
  beforeEach(() => redis.flushall());

  const lease = async () => {
    const taken = await takeLease(redis, `round:${ROUND}`, 60_000);
    assert.ok(taken);
    return taken;
  };

  it("R4: what was appended is read back, with the command it answered", async () => {
    const mark = { playKey: "02ab", ref: "r1", digest: "d" };
    const held = await lease();
    await appendJournal(redis, held, ROUND, [{ entry: first }, { entry: second, mark }]);
    assert.deepEqual(await readJournal(redis, ROUND), [first, second]);
    assert.deepEqual((await readStored(redis, ROUND))[1]?.mark, mark);
  });

  it("R1: a stale owner cannot write, and nothing of its batch is written", async () => {
    const stale = await lease();
    await redis.del(leaseKey(stale.name));
    const fresh = await lease();
    assert.ok(fresh.token > stale.token, "fencing tokens only grow");
    await assert.rejects(appendJournal(redis, stale, ROUND, [{ entry: first }]), FencedError);
    assert.deepEqual(await readJournal(redis, ROUND), []);
    await appendJournal(redis, fresh, ROUND, [{ entry: first }]);
    assert.equal((await readJournal(redis, ROUND)).length, 1);
  });

  it("R4: another record of the same seq is refused; the same again, its answer lost, is written once", async () => {
    const held = await lease();
    const both = [{ entry: first }, { entry: second }];
    await appendJournal(redis, held, ROUND, both);
    await appendJournal(redis, held, ROUND, both);
    const other = seal(headOf(first), 1, { kind: "phase", body: { to: "blind" } });
    await assert.rejects(appendJournal(redis, held, ROUND, [{ entry: other }]), /another record 2/);
    assert.deepEqual(await readJournal(redis, ROUND), [first, second]);
    await releaseLease(redis, held);
    await appendJournal(redis, held, ROUND, both);
    await assert.rejects(
      appendJournal(redis, held, ROUND, [{ entry: { ...second, sig: "00" } }]),
      FencedError,
    );
  });

  it("R1: a lease is one holder's until it is released or expires; a stranger cannot renew or release it", async () => {
    const held = await lease();
    assert.equal(await takeLease(redis, held.name, 1_000), undefined);
    assert.equal(await renewLease(redis, { ...held, token: held.token + 1 }, 1_000), false);
    await releaseLease(redis, { ...held, token: held.token + 1 });
    assert.equal(await renewLease(redis, held, 60_000), true);
    await releaseLease(redis, held);
    assert.equal(await renewLease(redis, held, 60_000), false, "what was given back is not renewed");
    assert.ok(await takeLease(redis, held.name, 1_000));
  });

  it("R1: a lease that ran out lives again as long as nobody took it; one that was taken does not", async () => {
    const held = await lease();
    await redis.del(leaseKey(held.name));
    await appendJournal(redis, held, ROUND, [{ entry: first }]);
    assert.equal(await renewLease(redis, held, 60_000), true);
    assert.equal(await takeLease(redis, held.name, 1_000), undefined);
    await redis.del(leaseKey(held.name));
    assert.ok(await takeLease(redis, held.name, 1_000));
    assert.equal(await renewLease(redis, held, 60_000), false);
  });

  it("R3: nobody takes a lease before its time by Redis' clock, and everybody is told how long it takes", async () => {
    const time = async () => {
      const [seconds, micros] = await redis.time();
      return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    };
    const early = await tryLease(redis, "slot", 1_000, (await time()) + 60_000);
    assert.ok(early.lease === undefined && early.againInMs > 59_000 && early.againInMs <= 60_000);
    assert.ok((await tryLease(redis, "slot", 1_000, await time())).lease);
    const held = await tryLease(redis, "slot", 1_000, 0);
    assert.ok(held.lease === undefined && held.againInMs > 0 && held.againInMs <= 1_000);
  });

  it("R4: what got no answer is asked about again; a clear no is not", async () => {
    const held = await lease();
    const waits: number[] = [];
    const after = (ms: number, work: () => void) => {
      waits.push(ms);
      work();
    };
    let answers = 0;
    const unheard = async () => {
      await appendJournal(redis, held, ROUND, [{ entry: first }]);
      answers += 1;
      if (answers < 3) throw new Error("Connection is closed.");
    };
    await appendSurely(unheard, after);
    assert.deepEqual([answers, waits.length], [3, 2]);
    assert.deepEqual(await readJournal(redis, ROUND), [first]);
    const full = () => redis.call("NONSENSE").then(() => undefined);
    await assert.rejects(appendSurely(full, after), /unknown command/);
    await releaseLease(redis, held);
    await assert.rejects(
      appendSurely(() => appendJournal(redis, held, ROUND, [{ entry: second }]), after),
      FencedError,
    );
    assert.equal(waits.length, 2);
    await assert.rejects(
      appendSurely(() => Promise.reject(new Error("gone for good")), after),
      /for good/,
    );
  });
});
