/**
 * What pages ask right after a round (O8): one question to Redis however many ask, for how long a cache in front may keep the
 * answer, and which round came before. The journal's and the proof's contents are the game tests'.
 */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { roundDetail, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import express from "express";
import { actor, TestRound } from "../../../shared-schema/test/support/round.ts";
import { apiRouter } from "../../src/infra/http.ts";
import { fenceKey, type Lease } from "../../src/infra/leases.ts";
import { createLogger } from "../../src/infra/logger.ts";
import type { Redis } from "../../src/infra/redis.ts";
import { createDetails } from "../../src/round/details.ts";
import { type ArchivedRound, RoundDirectory } from "../../src/round/directory.ts";
import type { SettlementView } from "../../src/round/ports.ts";
import { project, projectOpening } from "../../src/round/projection.ts";
import { type RouteDeps, roundRoutes } from "../../src/round/routes.ts";
import { archivedOf, snapshotOf } from "../../src/round/snapshot.ts";
import { connected } from "../support/redis.ts";

const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];
const ROUND_MS = 600_000;
const LIVE = "public, max-age=1";
const LASTING = "public, max-age=5, s-maxage=60";

function finishedRound(): TestRound {
  const round = new TestRound();
  for (const who of [ann, bob, cat]) round.must(round.deposit(who, 50_000));
  round.must(round.enter(ann, "frog"));
  round.must(round.enter(bob, "dog"));
  round.must(round.boost(cat, "frog", 500));
  round.end();
  return round;
}

describe("what is asked after a round", () => {
  let redis: Redis;
  connected((own) => {
    redis = own;
  });
  const archived: ArchivedRound = archivedOf(finishedRound().state);
  const { roundId, arena, opensAt } = archived;
  const clock = { now: 0 };
  const reads: string[] = [];
  let settlement: SettlementView | undefined;
  let hasModel = false;
  let server: Server;
  let directory: RoundDirectory;
  let base: string;

  before(async () => {
    directory = new (class extends RoundDirectory {
      override finished(id: string) {
        reads.push(id);
        return super.finished(id);
      }
    })(redis);
    const files = { glb: "/media/a", poster: "/media/b", turntable: "/media/c", provider: "local" as const };
    const parts = {
      redis,
      directory,
      payment: {
        settlementOf: async () => settlement,
        ledgerOf: async () => undefined,
        headsOf: async () => [],
        costOf: async () => ({}),
      },
      content: {
        modelsOf: async () => (hasModel ? [{ memeId: archived.winner?.memeId ?? "", ...files }] : []),
        sculpturesOf: async () => ({}),
        standingOf: async () => new Map(),
      },
      audience: { relays: async () => [] },
      version: { protocol: 1, build: "b" },
    };
    const details = createDetails(parts as never);
    const routes = roundRoutes({ ...parts, details } as unknown as RouteDeps);
    const logger = createLogger("routes-test", "silent");
    const limiter = { take: () => Promise.resolve() };
    const authenticate = () => Promise.reject(new Error("nobody signs in here"));
    const app = express().use(
      "/api",
      apiRouter(routes, { authenticate, limiter, logger, now: () => clock.now }),
    );
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/api`;
  });
  after(() => server?.close());
  beforeEach(async () => {
    await redis.flushall();
    clock.now += 10_000;
    reads.length = 0;
    settlement = undefined;
    hasModel = false;
  });
  const get = (path: string) => fetch(`${base}${path}`);
  const crowd = (path: string) => Promise.all(Array.from({ length: 40 }, () => get(path)));
  const told = (answers: Response[]) => [
    ...new Set(answers.map(({ status, headers }) => `${status} ${headers.get("cache-control")}`)),
  ];

  it("O8: a crowd that asks for a round costs one read, be it over, not over yet or none", async () => {
    assert.deepEqual(told(await crowd(`/rounds/${roundId}`)), [`404 ${LIVE}`]);
    clock.now += 500;
    await directory.begin(arena, roundId);
    assert.deepEqual(told(await crowd(`/rounds/${roundId}`)), [`425 ${LIVE}`]);
    clock.now += 500;
    await directory.finish(archived);
    assert.deepEqual(told(await crowd(`/rounds/${roundId}`)), [`200 ${LIVE}`]);
    assert.deepEqual(reads, [roundId, roundId, roundId]);
  });

  it("O8: so does one that asks for its proof", async () => {
    await directory.begin(arena, roundId);
    assert.deepEqual(told(await crowd(`/rounds/${roundId}/proof`)), [`425 ${LIVE}`]);
    assert.equal(reads.length, 1);
  });

  it("O8: a cache has a round for a second while something of it is awaited, then for a minute, no longer (C6)", async () => {
    await directory.finish(archived);
    const kept = async () => {
      clock.now += 500;
      const answer = await get(`/rounds/${roundId}`);
      roundDetail.parse(await answer.json());
      return answer.headers.get("cache-control");
    };
    assert.equal(await kept(), LIVE);
    hasModel = true;
    assert.equal(await kept(), LIVE, "nobody is paid");
    settlement = { state: "sent", txids: [], payouts: [] };
    assert.equal(await kept(), LIVE, "it is in no block");
    settlement = { state: "mined", txids: [], payouts: [] };
    assert.equal(await kept(), LASTING);
    hasModel = false;
    assert.equal(await kept(), LIVE, "a winner has no model");
  });

  it("O8: where no round is live the crowd that looks for one costs one read, too", async () => {
    assert.deepEqual(told(await crowd("/rounds/current")), [`503 ${LIVE}`]);
  });

  describe("the snapshot", () => {
    const live = new TestRound();
    const lease: Lease = { name: "round:x", token: 7 };
    const idAt = (ms: number): string => `${arena}-${ms / 1_000}`;
    const previous = async (): Promise<string | undefined> => {
      clock.now += 500;
      return snapshotSchema.parse(await (await get("/rounds/current")).json()).before;
    };
    beforeEach(async () => {
      await redis.set(fenceKey(lease.name), String(lease.token));
      const view = new RoundView();
      projectOpening(view, live.state);
      project(view, live.state, live.now);
      await directory.setLive(arena, { roundId, roomId: "room" }, lease);
      assert.ok(await directory.setSnapshot(snapshotOf(view, live.state, "room", "ab".repeat(32)), lease));
      await directory.begin(arena, roundId);
    });

    it("names no round before where there was none: its pages have nothing to ask for", async () => {
      assert.equal(await previous(), undefined);
      await directory.begin("other", `other-${(opensAt - ROUND_MS) / 1_000}`);
      assert.equal(await previous(), undefined);
    });

    it("names the newest one before, whether it is in the archive or not yet", async () => {
      const last = { ...archived, opensAt: opensAt - 2 * ROUND_MS, roundId: idAt(opensAt - 2 * ROUND_MS) };
      await directory.finish({
        ...last,
        opensAt: opensAt - 9 * ROUND_MS,
        roundId: idAt(opensAt - 9 * ROUND_MS),
      });
      await directory.finish(last);
      await directory.finish({ ...archived, opensAt: opensAt + ROUND_MS, roundId: idAt(opensAt + ROUND_MS) });
      assert.equal(await previous(), last.roundId);
      const settling = idAt(opensAt - ROUND_MS);
      await directory.begin(arena, settling);
      await directory.begin(arena, idAt(opensAt - 5 * ROUND_MS));
      assert.equal(await previous(), settling);
    });
  });
});
