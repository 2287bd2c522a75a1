/** Several processes on one real Redis: one room a slot, rows of dead processes, who goes first. Rules R1, R5, R11. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { leaseKey, takeLease } from "../../src/infra/leases.ts";
import { HEARTBEAT_TTL_MS, ProcessRegistry, processKey } from "../../src/infra/process-registry.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { SafeRedisDriver } from "../../src/infra/safe-driver.ts";
import { RoundDirectory } from "../../src/round/directory.ts";
import { HostWatch } from "../../src/round/host-watch.ts";
import { RoundKeeper } from "../../src/round/keeper.ts";
import { handicapMs, MAX_HANDICAP_MS } from "../../src/round/placement.ts";
import type { RoomOptions } from "../../src/round/room-deps.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { silent } from "./simulation/quiet.ts";

const later = (ms: number, work: () => void): (() => void) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

describe("many processes", () => {
  let server: TestRedis;
  let redis: Redis;
  const connections: Redis[] = [];
  const connect = (): Redis => {
    const made = createRedis(server.url);
    connections.push(made);
    return made;
  };
  before(async () => {
    server = await startRedis();
    redis = connect();
  });
  after(async () => {
    for (const one of connections) one.disconnect();
    await server.close();
  });
  beforeEach(() => redis.flushall());

  interface Made {
    by: number;
    options: RoomOptions;
  }

  const keeperOf = (by: number, made: Made[], clients = 0, skewMs = 0) => {
    const own = connect();
    return new RoundKeeper(
      { arena: "main", roundSeconds: 3_600 },
      {
        redis: own,
        directory: new RoundDirectory(own),
        logger: silent,
        now: () => Date.now() + skewMs,
        after: later,
        load: () => ({ clients, lagMs: 0 }),
        frees: async () => false,
        createRoom: async (options) => void made.push({ by, options }),
      },
    );
  };

  it("R1: of five processes that start at once, with clocks 2 s apart, one opens the slot", async () => {
    const made: Made[] = [];
    const keepers = [0, -2_000, 2_000, 1_000, -500].map((skew, by) => keeperOf(by, made, 0, skew));
    for (const one of keepers) one.start();
    await until(() => made.length > 0, { what: "a room" });
    await Promise.all(keepers.map((one) => one.look()));
    await Promise.all(keepers.map((one) => one.stop()));
    // Within 2 s of a slot's end, a slow clock may still ask for the slot before.
    assert.equal(new Set(made.map(({ options }) => options.roundId)).size, made.length);
    assert.ok(made.length <= 2);
  });

  it("R1, R11: whoever is busy lets others take a lease that has run out; who is stopped takes none", async () => {
    const made: Made[] = [];
    const keepers = [keeperOf(0, made, 100_000), keeperOf(1, made, 0), keeperOf(2, made, 0)];
    const held: Made[] = [];
    const before = keeperOf(9, held);
    await before.look();
    const lease = `mr:lease:round:${held[0]?.options.roundId}`;
    for (const one of keepers) one.start();
    await keepers[2]?.stop();
    await redis.pexpire(lease, 300);
    await until(() => made.length > 0, { what: "a takeover" });
    await Promise.all(keepers.map((one) => one.stop()));
    assert.deepEqual(
      made.map(({ by }) => by),
      [1],
    );
    assert.ok((made[0]?.options.lease.token ?? 0) > (held[0]?.options.lease.token ?? 0));
  });

  it("placement: never longer than its bound, and longer the busier", () => {
    const load = fc.record({ clients: fc.double({ min: 0 }), lagMs: fc.double({ min: 0 }) });
    fc.assert(
      fc.property(load, fc.nat(10_000), fc.nat(10_000), (at, clients, lagMs) => {
        const own = handicapMs(at);
        assert.ok(Number.isInteger(own) && own >= 0 && own <= MAX_HANDICAP_MS);
        const busier = handicapMs({
          clients: (Number.isFinite(at.clients) ? at.clients : 0) + clients,
          lagMs: (Number.isFinite(at.lagMs) ? at.lagMs : 0) + lagMs,
        });
        assert.ok(busier >= own);
      }),
    );
    assert.equal(handicapMs({ clients: 0, lagMs: 0 }), 0);
    assert.ok(handicapMs({ clients: 2_000, lagMs: 0 }) > handicapMs({ clients: 200, lagMs: 0 }));
  });

  const registryOf = (id: string, restored: string[] = []) =>
    new ProcessRegistry(id, {
      redis,
      logger: silent,
      clock: () => performance.now(),
      after: later,
      restore: async () => {
        restored.push(id);
        await redis.hset("roomcaches", `room-${id}`, row(id));
      },
    });
  const row = (processId: string): string =>
    JSON.stringify({ roomId: `room-${processId}`, processId, name: "round", clients: 0 });

  it("R5: rows of a process without a heartbeat go, and nobody else's", async () => {
    for (const id of ["alive", "dead"]) {
      await redis.hset("roomcaches", `room-${id}`, row(id));
      await redis.hset("roomcount", id, "1,5");
    }
    await redis.hset("roomcaches", "nonsense", "{");
    const registry = registryOf("alive");
    await registry.beat();
    assert.deepEqual(await redis.hkeys("roomcaches"), ["room-alive"]);
    assert.deepEqual(await redis.hkeys("roomcount"), ["alive"]);
    assert.ok((await redis.pttl(processKey("alive"))) > HEARTBEAT_TTL_MS - 500);
    await registry.stop();
    assert.equal(await redis.exists(processKey("alive")), 0);
  });

  it("R5: a process that was taken for dead and wakes lists its rooms again", async () => {
    const restored: string[] = [];
    const stalled = registryOf("stalled", restored);
    await stalled.beat();
    await redis.hset("roomcaches", "room-stalled", row("stalled"));
    await redis.del(processKey("stalled"));
    assert.equal(await registryOf("other").reap(), true);
    assert.deepEqual(await redis.hkeys("roomcaches"), []);
    await stalled.beat();
    assert.deepEqual(restored, ["stalled"]);
    assert.deepEqual(await redis.hkeys("roomcaches"), ["room-stalled"]);
    assert.equal(await registryOf("other").reap(), false);
  });

  it("R5: a room is found while its process listens and is heard of, and not otherwise", async () => {
    const driver = new SafeRedisDriver(connect());
    const listener = connect();
    const isFound = async () => (await driver.findOne({ roomId: "room-p" })) !== undefined;
    await redis.hset("roomcaches", "room-p", row("p"));
    await redis.set(processKey("p"), "1", "PX", HEARTBEAT_TTL_MS);
    assert.equal(await isFound(), false, "nobody listens for it");
    await listener.subscribe("$room-p");
    assert.equal(await isFound(), true);
    await redis.pexpire(processKey("p"), 1_000);
    assert.equal(await isFound(), false, "not heard of for 2 s");
    await redis.pexpire(processKey("p"), HEARTBEAT_TTL_MS);
    // As after kill -9: Redis knows before any heartbeat is missed.
    listener.disconnect();
    await until(async () => !(await isFound()), { what: "the end of the connection" });
    assert.equal(await driver.findOne({ roomId: "nowhere" }), undefined);
  });

  it("R5: the lease of a host that is gone is let go within a second, that of a living or silent one is not", async () => {
    const directory = new RoundDirectory(redis);
    const listener = connect();
    let time = 0;
    const watch = new HostWatch({ arena: "main" }, { redis, directory, clock: () => time });
    const lease = await takeLease(redis, "round:main-1740000000", 60_000);
    assert.ok(lease);
    const roundId = "main-1740000000";
    await directory.setLive("main", { roundId, roomId: "room-p" }, lease);
    await redis.hset("roomcaches", "room-p", row("p"));
    await redis.set(processKey("p"), "1", "PX", HEARTBEAT_TTL_MS);
    await listener.subscribe("$room-p");
    const freesAt = async (ms: number): Promise<boolean> => {
      time = ms;
      return await watch.frees(roundId);
    };
    assert.equal(await freesAt(0), false, "it listens");
    await redis.pexpire(processKey("p"), 1_000);
    assert.equal(await freesAt(5_000), false, "it listens, and is late: a stall ends with its lease");
    await listener.unsubscribe("$room-p");
    await redis.pexpire(processKey("p"), HEARTBEAT_TTL_MS);
    for (const at of [6_000, 8_000]) assert.equal(await freesAt(at), false, "it is heard of");
    await redis.pexpire(processKey("p"), 1_000);
    assert.equal(await watch.frees("main-1740000600"), false, "another round");
    assert.equal(await freesAt(8_200), true);
    assert.equal(await redis.exists(leaseKey(lease.name)), 0);
    const next = await takeLease(redis, lease.name, 60_000);
    assert.ok(next && next.token > lease.token);
    assert.equal(await freesAt(9_900), false, "the next holder's is another lease");
  });

  it("R5: nobody is taken for gone at first sight", async () => {
    const directory = new RoundDirectory(redis);
    let time = 0;
    const watch = new HostWatch({ arena: "main" }, { redis, directory, clock: () => time });
    const lease = await takeLease(redis, "round:main-1740000000", 60_000);
    assert.ok(lease);
    await directory.setLive("main", { roundId: "main-1740000000", roomId: "room-p" }, lease);
    for (time of [0, 300, 600]) assert.equal(await watch.frees("main-1740000000"), false);
    time = 800;
    assert.equal(await watch.frees("main-1740000000"), true);
  });
});
