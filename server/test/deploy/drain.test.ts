/**
 * A real process on its way out, with players in its round (R11): two game servers, one is told to stop. The same under
 * load, behind nginx and with every process in turn is the load test's (`npm run loadtest -- rolling`).
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import type { Notice } from "@meme-rounds/shared-schema/messages";
import { PROTOCOL } from "@meme-rounds/shared-schema/protocol";
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

/** From the second signal to a boost that the other process has accepted, ms. */
const BACK_MS = 3_000;

/** From the second signal to the process' end, ms: less than a seat that was given and not taken is kept. */
const GONE_MS = 8_000;

/** The next process has the round after this, ms: 40 to 250 where nothing else runs. */
const GOES_ON_MS = 1_500;

/** ms since the epoch of a process' line with these words. */
const loggedAt = ({ output }: { output(): string }, words: string): number =>
  Number(new RegExp(`"time":(\\d+)[^\\n]*"${words}"`).exec(output())?.[1]);

/** A round length, s, of whose present slot less than half is over: its entries stay open. */
const longRound = (now: number): number => {
  let length = 3_600;
  while (now % length > length / 2) length += 100;
  return length;
};

/** Redis, devchain, auditor and two game servers that could finish any round. */
async function startPair() {
  const dataDir = await mkdtemp(join(tmpdir(), "meme-rounds-drain-"));
  const redis = await startRedis();
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
    ROUND_SECONDS: String(longRound(Date.now() / 1_000)),
    DRAIN_SECONDS: "7200",
  };
  const auditor = await startService("auditor", { ...env, PORT: String(auditorPort) });
  const game = async () => {
    const port = await freePort();
    const address = { PORT: String(port), PUBLIC_ADDRESS: `127.0.0.1:${port}` };
    return await startService("auth,content,round,payment,audience", { ...env, ...address });
  };
  const one = await game();
  const two = await game();
  return {
    games: [one, two] as const,
    redisUrl: redis.url,
    async stop() {
      for (const each of [one, two, auditor]) await each.kill();
      await Promise.all([devchain.close(), redis.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

describe("draining a process", function () {
  this.timeout(90_000);
  let pair: Awaited<ReturnType<typeof startPair>>;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair?.stop());

  it("R11: not ready at once, players told, plays on; the second signal hands the round over and exits 0", async () => {
    const ann = new Player(pair.games[0].url);
    await ann.signIn();
    const picture = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    const coin = await ann.faucet(60_000);
    const meme = await ann.upload(picture, "Such update");
    const round = await until(() => ann.current(), { what: "a round" });
    await ann.join(round.roomId);
    const notices: Notice[] = [];
    ann.room?.onMessage("notice", (notice: Notice) => notices.push(notice));
    const closes: number[] = [];
    ann.room?.onLeave((code) => closes.push(code));
    assert.ok((await ann.deposit(round, coin, 20_000)).ok);
    assert.ok((await ann.enter(round, meme, round.entryPrice)).ok);

    const bob = new Player(pair.games[1].url);
    await bob.signIn();
    const coins = await bob.faucet(60_000);
    await bob.join(round.roomId);
    assert.ok((await bob.deposit(round, coins, 20_000)).ok);
    await bob.leave();
    const [leaving, staying] = pair.games[0].output().includes(round.roomId)
      ? pair.games
      : [pair.games[1], pair.games[0]];
    assert.ok(leaving.output().includes(round.roomId));
    const steady = new SteadyPlayer(
      bob,
      { everyMs: 30, boostSats: 10 },
      // As a load balancer that has noticed would send it.
      { urls: () => [staying.url], now: Date.now, random: Math.random },
    );
    const ending = new AbortController();
    const playing = steady.play(meme.memeId, round, ending.signal, 15_000);
    const boosts = (more: number) => {
      const enough = steady.promised.length + more;
      return until(() => steady.promised.length >= enough, { what: "boosts" });
    };
    await boosts(3);

    leaving.signal("SIGTERM");
    const statusOf = async (path: string) => (await fetch(`${leaving.url}${path}`)).status;
    await until(async () => (await statusOf("/readyz")) === 503, { what: "/readyz to say no" });
    await until(() => notices.length > 0, { what: "word of the drain" });
    assert.deepEqual(notices[0], { ...notices[0], kind: "drain", until: round.closesAt });
    await boosts(3);
    const answer = await fetch(`${leaving.url}/api/rounds/current`);
    assert.deepEqual([answer.status, answer.headers.get("connection")], [200, "close"]);
    for (const said of [round.server, ann.you?.server, ((await answer.json()) as Snapshot).server]) {
      assert.equal(said?.protocol, PROTOCOL, "pages learn whether they fit");
      assert.match(said?.build ?? "none", /^(?:[0-9a-f]{12})?$/);
    }
    assert.deepEqual(closes, [], "the round is to be finished here: nobody is sent away");
    assert.equal((await ann.current()).roomId, round.roomId);

    const seat = await fetch(`${leaving.url}/matchmake/joinById/${round.roomId}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ann.token}`, "content-type": "application/json" },
      body: "{}",
    });
    assert.equal(seat.status, 200, "a seat that nobody comes for");

    const handedOverAt = Date.now();
    leaving.signal("SIGTERM");
    await until(() => closes.length > 0, { what: "the players' sockets to close" });
    assert.deepEqual(closes, [SOCKET_CLOSE.handedOver]);
    const backAt = await until(
      () =>
        steady.promised.find(({ answeredAt }) => answeredAt > handedOverAt && steady.seats > 1)?.answeredAt,
      { what: "a boost in the other process" },
    );
    assert.ok(backAt - handedOverAt < BACK_MS, `${backAt - handedOverAt} ms`);
    assert.deepEqual(await leaving.ended, { code: 0, signal: null });
    assert.ok(Date.now() - handedOverAt < GONE_MS, `gone after ${Date.now() - handedOverAt} ms`);
    const pause = loggedAt(staying, "round is hosted here") - loggedAt(leaving, "the round is handed over");
    assert.ok(pause < GOES_ON_MS, `the round stood still for ${pause} ms`);
    await boosts(3);
    ending.abort();
    await playing;
    assert.deepEqual([steady.unanswered, steady.refused], [0, []]);
    const redis = createRedis(pair.redisUrl);
    const journal = await readStored(redis, round.roundId);
    redis.disconnect();
    const judged = judge(steady.promised, journal);
    assert.deepEqual([judged.lost, judged.doubled, judged.broken], [[], [], []]);
    assert.doesNotMatch(leaving.output(), /"level":(?:50|60)/, "no error on the way out");
  });
});
