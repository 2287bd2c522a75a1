/** M6: twenty rounds, Redis emptied, everything public back from the chain alone, field by field; and the game goes on. */
import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { ActivityBook } from "../../src/analytics/activity.ts";
import { Board } from "../../src/analytics/board.ts";
import { createAnalyticsService } from "../../src/analytics/index.ts";
import { createPlayKeys } from "../../src/auth/play-keys.ts";
import { createUsers } from "../../src/auth/users.ts";
import { Gallery } from "../../src/content/gallery.ts";
import { MediaStore } from "../../src/content/media/store.ts";
import { createVerifier } from "../../src/infra/ecdsa.ts";
import { createRedis } from "../../src/infra/redis.ts";
import {
  createRecordQueue,
  createSettlementWorker,
  modelJobs,
  profileJob,
  type SettlementWorker,
} from "../../src/payment/index.ts";
import { restoreAll } from "../../src/processes/rebuild/restore.ts";
import { type Scan, scanChain } from "../../src/processes/rebuild/scan.ts";
import { type ArchivedRound, RoundDirectory } from "../../src/round/directory.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { archivedOf } from "../../src/round/snapshot.ts";
import { keystoreOptions, type MoneyRound, World } from "../payment/world.ts";
import { until } from "../support/wait.ts";

/** REBUILD_ROUNDS=100 measures: the time the rebuild takes is printed. */
const ROUNDS = Number(process.env.REBUILD_ROUNDS ?? 20);
const VOIDED = Math.floor(ROUNDS / 5);

describe("rebuild", function () {
  this.timeout(240_000 + ROUNDS * 10_000);
  let world: World;
  let worker: SettlementWorker;
  let queueRedis: ReturnType<typeof createRedis>;
  const played: MoneyRound[] = [];
  const files: string[] = [];
  before(async () => {
    world = await World.start();
    await world.fill(80 + ROUNDS);
    queueRedis = createRedis(world.testRedis.url);
    worker = await createSettlementWorker(
      {
        network: "devchain",
        keystore: keystoreOptions(world.folder),
        auditorUrl: world.auditor.url,
        sweepMs: 3_600_000,
      },
      {
        redis: world.redis,
        queueRedis,
        chain: world.net.port,
        readJournal: (id) => readJournal(world.redis, id),
        readMedia: (sha256) => new MediaStore(world.redis).get(sha256),
        logger: world.logger,
        now: Date.now,
      },
    );
  });
  after(async () => {
    await worker.stop();
    await queueRedis.quit();
    await world.stop();
  });

  const now = (): number => world.now;
  const analytics = () => createAnalyticsService({ redis: world.redis, namesOf: async () => new Map(), now });

  /** Plays a round and does what its room does at the end; then the worker links it and pays it out. */
  async function playOne(slot: number, memes: number): Promise<MoneyRound> {
    const { roundId } = world.round(slot).open;
    const carryFrom = await world.payment.claimCarry("main", roundId);
    const round = await world.play({
      slot,
      players: 3 + (slot % 3),
      memes,
      carryFrom,
      ...(memes < 2 ? { boost: 0 } : {}),
    });
    const archived = archivedOf(round.state);
    await analytics().roundFinished(archived, round.state);
    await new RoundDirectory(world.redis).finish(archived);
    await world.payment.enqueueSettlement(roundId);
    await until(
      async () => {
        await worker.sweep();
        if ((await world.payment.settlementOf(roundId))?.state === "mined") return true;
        await world.mine();
        return false;
      },
      { deadlineMs: 60_000, what: `round ${slot} paid` },
    );
    return round;
  }

  /** What the content worker does for a winner; the bytes are not a picture here. */
  async function sculpt(round: MoneyRound): Promise<void> {
    const { roundId } = round.open;
    const archived = archivedOf(round.state);
    const winner = archived.winner;
    if (winner === undefined) return;
    const media = new MediaStore(world.redis);
    const put = async (type: "image/webp" | "model/gltf-binary"): Promise<string> => {
      const sha256 = await media.put(randomBytes(2_000), type);
      await media.keep(sha256);
      files.push(sha256);
      return sha256;
    };
    const [glb, poster, turntable] = [
      await put("model/gltf-binary"),
      await put("image/webp"),
      await put("image/webp"),
    ];
    const at = world.now;
    const model = { roundId, memeId: winner.memeId, glb, poster, turntable, provider: "local" as const };
    for (const job of modelJobs(model, at)) await createRecordQueue(world.redis).publish(job);
    await new Gallery(world.redis).publish({
      ...model,
      title: winner.title,
      image: winner.image,
      glb: `/media/${glb}`,
      poster: `/media/${poster}`,
      turntable: `/media/${turntable}`,
      at,
    });
  }

  const scan = (): Promise<Scan> =>
    scanChain({
      network: "devchain",
      chain: world.net.port,
      operatorKeys: [world.payment.keys().operatorKey],
      progress: () => undefined,
    });
  const rebuild = async (found?: Scan) =>
    restoreAll(found ?? (await scan()), {
      network: "devchain",
      redis: world.redis,
      chain: world.net.port,
      verify: createVerifier(),
      now,
      progress: () => undefined,
    });

  /** Everything that anybody can be shown, as the services answer it. */
  async function shown() {
    const { redis } = world;
    const directory = new RoundDirectory(redis);
    const board = new Board(redis);
    const activity = new ActivityBook(redis);
    const rounds = await directory.page("main", undefined, 1_000);
    const users = createUsers({ redis, now });
    const media = new MediaStore(redis);
    const identities = played
      .slice(0, 3)
      .map((round) => [...round.state.players.values()][0]?.identity ?? "");
    return {
      rounds: new Map(rounds.map((round) => [round.roundId, round])),
      settlements: new Map(
        await Promise.all(
          rounds.map(async ({ roundId }) => [roundId, await world.payment.settlementOf(roundId)] as const),
        ),
      ),
      journals: new Map(
        await Promise.all(
          rounds.map(
            async ({ roundId }) =>
              [roundId, (await readJournal(redis, roundId)).map(({ hash }) => hash)] as const,
          ),
        ),
      ),
      links: await Promise.all(rounds.map(({ roundId }) => world.payment.ledgerOf(roundId))),
      boards: await Promise.all(
        (["day", "week", "all"] as const).map((window) => board.top("main", window, 100, world.now)),
      ),
      stats: await board.stats("main"),
      activity: await Promise.all(
        played.flatMap(({ state }) =>
          [...state.players.values()].map(async ({ identity }) => [
            await activity.all(identity),
            await activity.totals(identity),
          ]),
        ),
      ),
      gallery: await new Gallery(redis).page(undefined, 100),
      profiles: await Promise.all(identities.map((identity) => users.profile(identity))),
      names: await users.namesOf(
        await createPlayKeys({ redis, now }).ownersOf(
          played.slice(0, 3).map((round) => [...round.state.players.keys()][0] ?? ""),
        ),
      ),
      files: await Promise.all(
        files.map(async (sha256) => {
          const found = await media.get(sha256);
          return [
            found?.type,
            createHash("sha256")
              .update(found?.bytes ?? "")
              .digest("hex"),
          ];
        }),
      ),
      carries: Object.values(await redis.hgetall("mr:carry:free:main")).map((text): unknown =>
        JSON.parse(text),
      ),
    };
  }
  /** A voided round has no file on chain (ADR 0010): what can come back of it. */
  const restorable = ({ memes, memesRanked, pot, carryIn, carryOut, ...rest }: ArchivedRound) => rest;

  it("M6 plays 20 rounds, empties Redis, and everything public is as it was", async () => {
    const users = createUsers({ redis: world.redis, now });
    const playKeys = createPlayKeys({ redis: world.redis, now });
    for (let slot = 1; slot <= ROUNDS; slot++) {
      const round = await playOne(slot, slot % 5 === 0 ? 1 : 3);
      played.push(round);
      if (slot % 4 === 1) await sculpt(round);
    }
    for (const [at, round] of played.slice(0, 3).entries()) {
      const player = [...round.state.players.values()][0];
      assert.ok(player);
      const { identity, playKey } = player;
      await playKeys.claim(playKey, identity);
      const key = identity.slice(identity.indexOf(":") + 1);
      await users.signedIn(identity, "manual", addressOf(key, "devchain"));
      await users.rename(identity, `Player ${at}`);
      // The first one has a picture, which the second record of the same player takes away again.
      await users.setAvatar(identity, at === 0 ? null : "ab".repeat(32));
      const profile = {
        identity,
        playKey,
        name: `Player ${at}`,
        ...(at === 0 ? {} : { avatar: "ab".repeat(32) }),
      };
      if (at === 0) {
        const before = { ...profile, avatar: "cd".repeat(32) };
        await createRecordQueue(world.redis).publish(profileJob(before, world.now - 1));
      }
      await createRecordQueue(world.redis).publish(profileJob(profile, world.now + at));
    }
    await until(
      async () => {
        await worker.sweep();
        await world.mine();
        return (await world.redis.hlen("mr:records:waiting")) === 0;
      },
      { deadlineMs: 60_000, what: "the records on chain" },
    );
    await world.mine(7);
    await worker.sweep();
    const before = await shown();
    assert.equal(before.rounds.size, ROUNDS);
    assert.ok([...before.rounds.values()].some(({ outcome }) => outcome === "voided"));
    assert.ok(before.gallery.length >= 3 && files.length >= 9);

    await world.redis.flushall();
    const from = performance.now();
    const done = await rebuild();
    const ms = Math.round(performance.now() - from);
    if (process.env.REBUILD_ROUNDS) console.log(`      ${ROUNDS} rounds rebuilt in ${ms} ms`);
    assert.deepEqual(done.damaged, []);
    assert.deepEqual([done.rounds, done.voided], [ROUNDS - VOIDED, VOIDED]);
    const after = await shown();
    for (const [roundId, round] of before.rounds) {
      const again = after.rounds.get(roundId);
      assert.ok(again, roundId);
      if (round.outcome === "closed") assert.deepEqual(again, round, roundId);
      else assert.deepEqual(restorable(again), restorable(round), roundId);
      if (round.outcome === "closed")
        assert.deepEqual(after.journals.get(roundId), before.journals.get(roundId), roundId);
    }
    assert.deepEqual(after.settlements, before.settlements);
    assert.deepEqual(after.links, before.links);
    assert.deepEqual(after.boards, before.boards);
    // The memes of voided rounds are on no chain.
    const { memes, ...stats } = before.stats;
    const { memes: found, ...statsAgain } = after.stats;
    assert.deepEqual(statsAgain, stats);
    const voidedMemes = [...before.rounds.values()]
      .filter(({ outcome }) => outcome === "voided")
      .reduce((sum, round) => sum + round.memes, 0);
    assert.equal(found, memes - voidedMemes);
    assert.deepEqual(after.gallery, before.gallery);
    assert.deepEqual(after.files, before.files);
    assert.deepEqual(after.profiles, before.profiles);
    assert.deepEqual(after.names, before.names);
    assert.deepEqual(after.carries, before.carries);

    await rebuild();
    assert.deepEqual(await shown(), after, "a second time changes nothing");
  });

  it("M5, M6 the ledger and the jackpot go on where they stood", async () => {
    const round = await playOne(ROUNDS + 1, 3);
    const link = await world.payment.ledgerOf(round.open.roundId);
    const last = await world.payment.ledgerOf(played.at(-1)?.open.roundId ?? "");
    assert.equal(link?.link.seq, (last?.link.seq ?? 0) + 1);
    assert.ok(round.open.carryFrom.length > 0, "the jackpot came along");
  });

  it("M6 a file that was changed, or is missing, is named, and the rest is restored", async () => {
    const found = await scan();
    const [txid, file] = [...found.files][0] ?? [];
    assert.ok(txid && file);
    const [gone] = [...found.files.keys()].slice(1);
    found.files.set(txid, { ...file, file: file.file.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) });
    if (gone) found.files.delete(gone);
    await world.redis.flushall();
    const done = await rebuild(found);
    assert.equal(done.damaged.length, 2);
    assert.ok(done.damaged.some((sentence) => /cannot be read/.test(sentence)));
    assert.ok(done.damaged.some((sentence) => /not on the chain/.test(sentence)));
    assert.equal(done.rounds, ROUNDS + 1 - VOIDED - 2);
  });
});
