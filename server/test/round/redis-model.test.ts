/**
 * The simulation's model of Redis against a real one: the same commands in the same order get the same answers and leave
 * the same journal. Rules R1, R4.
 */
import assert from "node:assert/strict";
import { Random } from "../../../loadtest/src/money/random.ts";
import { fenceKey, LEASE_SCRIPTS, leaseKey } from "../../src/infra/leases.ts";
import { createRedis, type Redis, runScript, type Script } from "../../src/infra/redis.ts";
import { DIRECTORY_SCRIPTS } from "../../src/round/directory.ts";
import { APPEND } from "../../src/round/journal-store.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type Mutation, RedisModel, type Reply } from "./simulation/redis-model.ts";

const SEQUENCES = 60;
const STEPS = 40;
const TTL_MS = 600_000;
const LEASE = leaseKey("round:x");
const FENCE = fenceKey("round:x");
const JOURNAL = "mr:journal:x";

describe("model of Redis", () => {
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

  /** Times are the real clock's on one side: only that there is one to wait for is compared. */
  const comparable = (script: Script, reply: unknown): unknown => {
    const [token, wait] = script.name === "lease.take" ? (reply as number[]) : [];
    return token === undefined ? reply : { token, wait: (wait ?? 0) > 0 };
  };

  async function compare(seed: number, mutation?: Mutation): Promise<void> {
    await redis.flushall();
    const random = new Random(seed);
    const model = new RedisModel(mutation);
    const both = async (script: Script, keys: string[], args: (string | number)[]): Promise<void> => {
      const real = await runScript(redis, script, keys, args);
      const all = [script.sha, keys.length, ...keys, ...args].map(String);
      const modelled: Reply = model.execute(Date.now(), "evalsha", all);
      assert.deepEqual(
        comparable(script, modelled),
        comparable(script, real),
        `${seed}: ${script.name} ${args}`,
      );
    };
    const token = () => random.int(1, 5);
    const roundId = () => `main-${random.int(1, 3)}`;
    const text = () => JSON.stringify({ roundId: roundId(), roomId: `r${random.int(1, 2)}`, token: 1 });
    for (let step = 0; step < STEPS; step++) {
      const kind = random.int(0, 14);
      if (kind <= 1)
        await both(LEASE_SCRIPTS.take, [LEASE, FENCE], [TTL_MS, random.pick([0, 1, Date.now() + 60_000])]);
      else if (kind === 2) await both(LEASE_SCRIPTS.renew, [LEASE, FENCE], [token(), TTL_MS]);
      else if (kind === 3) await both(LEASE_SCRIPTS.release, [LEASE, FENCE], [token()]);
      else if (kind === 14) await both(LEASE_SCRIPTS.free, [LEASE], [token()]);
      else if (kind === 4) {
        // It ran out.
        await redis.del(LEASE);
        model.expire(LEASE);
      } else if (kind <= 10) {
        const length = await redis.xlen(JOURNAL);
        const first = Math.max(1, length + random.int(-1, 1));
        const count = first > length + 1 ? 0 : random.int(1, 3);
        const items = Array.from({ length: count }, (_, at) => [
          `${first + at}-0`,
          random.pick(["a", "b"]),
          "m",
        ]);
        if (items.length > 0) await both(APPEND, [FENCE, JOURNAL], [token(), ...items.flat()]);
      } else if (kind === 11) {
        const live = text();
        const opened = Number(live.slice('{"roundId":"main-'.length)[0]);
        await both(DIRECTORY_SCRIPTS.live, [FENCE, "mr:live:main"], [token(), live, opened]);
      } else {
        const args = [token(), text(), `snapshot ${step}`, TTL_MS];
        await both(DIRECTORY_SCRIPTS.snapshot, [FENCE, "mr:live:main", "mr:snapshot:main"], args);
      }
    }
    assert.deepEqual(model.streams.get(JOURNAL) ?? [], await redis.xrange(JOURNAL, "-", "+"), `${seed}`);
    for (const key of [FENCE, "mr:live:main", "mr:snapshot:main"])
      assert.equal(model.get(Date.now(), key) ?? null, await redis.get(key), `${seed}: ${key}`);
  }

  it("R1, R4: answers as the scripts do, and keeps what they keep", async () => {
    for (let seed = 1; seed <= SEQUENCES; seed++) await compare(seed);
  });

  it("notices a model that does not", async () => {
    for (const mutation of ["no-fence", "same-token", "unfenced-live", "no-marks", "early-slot"] as const)
      await assert.rejects(async () => {
        for (let seed = 1; seed <= SEQUENCES; seed++) await compare(seed, mutation);
      }, mutation);
  });
});
