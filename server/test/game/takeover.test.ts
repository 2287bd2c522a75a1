/**
 * Kill -9 of the process that hosts the round, under players who go on boosting (R5, R9). One kill of a small cluster;
 * twenty, stalls and a Redis that restarts are the load test's (`npm run loadtest -- chaos`).
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { judge } from "../../../loadtest/src/chaos/judge.ts";
import { SteadyPlayer } from "../../../loadtest/src/chaos/steady.ts";
import { Player } from "../../../loadtest/src/player.ts";
import { createRedis } from "../../src/infra/redis.ts";
import { readStored } from "../../src/round/journal-store.ts";
import { startDevchain } from "../../standins/devchain/server.ts";
import { freePort } from "../support/ports.ts";
import { startService } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";

const PLAYERS = 3;
/** Issue 6: players act again within this time after the kill, ms. */
const BACK_MS = 5_000;

/** Redis, devchain, auditor and two game servers: what a takeover needs. */
async function startPair() {
  const dataDir = await mkdtemp(join(tmpdir(), "meme-rounds-takeover-"));
  const redis = await startRedis({ durable: true });
  const devchain = await startDevchain({ port: 0, blockSeconds: 2 });
  const auditorPort = await freePort();
  const env = {
    DATA_DIR: dataDir,
    REDIS_URL: redis.url,
    ARC_URL: devchain.url,
    WOC_URL: devchain.url,
    DEVCHAIN_URL: devchain.url,
    AUDITOR_URL: `http://127.0.0.1:${auditorPort}`,
    AUDITOR_PORT: String(auditorPort),
    KEYSTORE_PASSPHRASE: "only for tests",
    ROUND_SECONDS: "3600",
    DRAIN_SECONDS: "0",
  };
  const auditor = await startService("auditor", { ...env, PORT: String(auditorPort) });
  const game = async () => {
    const port = await freePort();
    const address = { PORT: String(port), PUBLIC_ADDRESS: `127.0.0.1:${port}` };
    return await startService("auth,content,round,payment,audience", { ...env, ...address });
  };
  const games = [await game(), await game()] as const;
  return {
    games,
    redisUrl: redis.url,
    async stop() {
      for (const one of [...games, auditor]) await one.kill();
      await Promise.all([devchain.close(), redis.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

describe("takeover", function () {
  this.timeout(90_000);
  let pair: Awaited<ReturnType<typeof startPair>>;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair?.stop());

  it("R5: players act again within 5 s of a kill -9; nothing promised is lost, nothing counts twice", async () => {
    const urls = pair.games.map(({ url }) => url);
    const [host, heir] = pair.games;
    const ann = new Player(heir.url);
    await ann.signIn();
    const picture = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    const coin = await ann.faucet(60_000);
    const meme = await ann.upload(picture, "Such takeover");
    const round: Snapshot = await until(() => ann.current(), { what: "a round" });
    await ann.join(round.roomId);
    assert.ok((await ann.deposit(round, coin, 20_000)).ok);
    assert.ok((await ann.enter(round, meme, round.entryPrice)).ok);
    const players: SteadyPlayer[] = [];
    for (let made = 0; made < PLAYERS; made++) {
      const player = new Player(heir.url);
      await player.signIn();
      const coins = await player.faucet(60_000);
      await player.join(round.roomId);
      assert.ok((await player.deposit(round, coins, 20_000)).ok);
      await player.leave();
      const deps = { urls: () => urls, now: Date.now, random: Math.random };
      players.push(new SteadyPlayer(player, { everyMs: 60, boostSats: 10 }, deps));
    }
    const ending = new AbortController();
    const playing = players.map((one) => one.play(meme.memeId, round, ending.signal, 15_000));
    await until(() => players.every(({ promised }) => promised.length >= 5), {
      what: "boosts before the kill",
    });
    const owner = (await ann.current()).roomId;
    const isHosting = (game: typeof host) => game.output().includes(owner);
    const victim = isHosting(host) ? host : heir;
    assert.ok(isHosting(victim));
    const killedAt = Date.now();
    await victim.kill();
    const backAt = (one: SteadyPlayer) => one.promised.find(({ answeredAt }) => answeredAt > killedAt + 500);
    await until(() => players.every((one) => backAt(one) !== undefined), { what: "an answer to everybody" });
    const worst = Math.max(...players.map((one) => (backAt(one)?.answeredAt ?? 0) - killedAt));
    assert.ok(worst < BACK_MS, `${worst} ms`);
    await until(() => players.every(({ promised }) => promised.length >= 10), {
      what: "boosts after the kill",
    });
    ending.abort();
    await Promise.all(playing);
    assert.notEqual((await players[0]?.current())?.roomId, owner, "in another room");
    assert.equal(
      players.reduce((sum, { unanswered }) => sum + unanswered, 0),
      0,
    );
    assert.deepEqual(
      players.flatMap(({ refused }) => refused),
      [],
    );
    const redis = createRedis(pair.redisUrl);
    try {
      const journal = await readStored(redis, round.roundId);
      const { lost, doubled, broken } = judge(
        players.flatMap(({ promised }) => promised),
        journal,
      );
      assert.deepEqual({ lost, doubled, broken }, { lost: [], doubled: [], broken: [] });
      assert.equal(journal.filter(({ entry }) => entry.record.kind === "open").length, 1, "R1: opened once");
      const rows = async () => Object.values(await redis.hgetall("roomcaches"));
      await until(async () => !(await rows()).some((row) => row.includes(owner)), {
        what: "the dead process' rows to be gone",
      });
    } finally {
      redis.disconnect();
    }
  });
});
