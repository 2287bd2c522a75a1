/** C6, M6: what the chain holds for good may leave Redis, and comes back from there by its hash. With a devchain. */
import assert from "node:assert/strict";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import { readChainRecord } from "@meme-rounds/shared-schema/map-record-kinds";
import sharp from "sharp";
import { Gallery } from "../../src/content/gallery.ts";
import { MediaCooling } from "../../src/content/media/cooling.ts";
import { createShelf } from "../../src/content/media/shelf.ts";
import { MediaStore } from "../../src/content/media/store.ts";
import { BlockList } from "../../src/content/moderation/blocks.ts";
import { Takedowns } from "../../src/content/takedown/takedown.ts";
import { phashOf } from "../../src/content/upload/picture.ts";
import { createRecordQueue, modelJobs, type RecordJob, takedownJob } from "../../src/payment/ledger/index.ts";
import { createChainFiles } from "../../src/processes/chain-files.ts";
import { restoreAll } from "../../src/processes/rebuild/restore.ts";
import { scanChain } from "../../src/processes/rebuild/scan.ts";
import { LedgerWorld } from "../payment/ledger-kit.ts";
import { quiet, someBytes } from "./media-kit.ts";

const ROUND = "main-1800000000";

describe("media on the chain", () => {
  let world: LedgerWorld;
  let media: MediaStore;
  let seed = 100;
  before(async () => {
    world = await LedgerWorld.start();
  });
  beforeEach(async () => {
    seed += 1;
    await world.reset(seed);
    await world.fill(15);
    const files = chainFiles();
    const fromChain = createShelf(
      { absentMs: 0 },
      { fetchFromChain: (sha256) => files.fetch(sha256), logger: quiet, now: () => world.now },
    );
    media = new MediaStore(world.redis, { fromChain });
  });
  after(() => world?.stop());

  const chainFiles = () =>
    createChainFiles({ network: "devchain" }, { redis: world.redis, chain: world.net.port });
  const cooling = (page = 100) =>
    new MediaCooling({ page }, { media, finalOnChain: (all) => chainFiles().finalOf(all), logger: quiet });
  const upload = async (bytes: Uint8Array): Promise<string> => {
    const sha256 = await media.put(bytes, "image/webp");
    assert.equal(await media.keep(sha256), true);
    return sha256;
  };
  const memeJob = (memeId: string): RecordJob => ({
    id: `meme:${ROUND}:${memeId}`,
    type: "meme",
    at: 9,
    fields: { memeId, roundId: ROUND, title: "A cat", mime: "image/webp", creator: world.currentKey() },
    media: memeId,
    roundId: ROUND,
  });
  /** The ledger as the payment worker runs it: it reads what is stored, and knows what was taken down. */
  const publish = async (...jobs: RecordJob[]): Promise<void> => {
    for (const job of jobs) await createRecordQueue(world.redis).publish(job);
    const ledger = world.ledger({
      readMedia: (sha256) => media.get(sha256),
      isTakenDown: (memeId) => media.isTaken(memeId),
    });
    await ledger.sweep();
  };
  /** Types of the records on the chain, sorted. */
  const kinds = async (): Promise<string[]> => {
    const txs = await Promise.all((await world.made()).map((txid) => world.tx(txid)));
    const records = txs.map(({ outputs }) => readChainRecord(outputs[0]?.script ?? "", "devchain"));
    return records.flatMap((read) => (read ? [read.record.type] : [])).sort();
  };
  const life = (sha256: string) => world.redis.ttl(`mr:media:${sha256}`);
  const takedowns = () =>
    new Takedowns({
      redis: world.redis,
      media,
      gallery: new Gallery(world.redis),
      blocks: new BlockList(world.redis, { now: () => world.now }),
      previewsOf: async () => [],
      tellRounds: async () => [],
      publishTakedown: (memeId, at) => createRecordQueue(world.redis).publish(takedownJob(memeId, at)),
      logger: quiet,
      now: () => world.now,
    });

  it("C6 it stays until six blocks are on it, then has a life; Redis forgets it and /media still has it", async () => {
    const bytes = someBytes(30_000);
    const memeId = await upload(bytes);
    await publish(memeJob(memeId));
    await cooling().turn();
    assert.equal(await life(memeId), -1, "seen is not for good");
    await world.mine(5);
    await cooling().turn();
    assert.equal(await life(memeId), -1, "five blocks are not for good");
    await world.mine(1);
    await cooling().turn();
    assert.ok((await life(memeId)) > 0);
    assert.deepEqual(await media.keptSize(), { files: 0, bytes: 0 });
    await world.redis.del(`mr:media:${memeId}`);
    const back = await media.get(memeId);
    assert.deepEqual(back, { bytes: Buffer.from(bytes), type: "image/webp" });
    assert.ok((await life(memeId)) > 0, "hot again");
  });

  it("C6 what never goes on chain stays, whatever else leaves; page by page", async () => {
    const [off, on, more] = [
      await upload(someBytes(50)),
      await upload(someBytes(60)),
      await upload(someBytes(70)),
    ];
    await publish(memeJob(on), memeJob(more));
    await world.mine(6);
    const small = cooling(1);
    for (let turn = 0; turn < 4; turn++) await small.turn();
    assert.equal(await life(off), -1);
    assert.ok((await life(on)) > 0 && (await life(more)) > 0);
    assert.deepEqual(await media.keptSize(), { files: 1, bytes: 50 });
  });

  it("C6 while the chain does not answer everything stays", async () => {
    const memeId = await upload(someBytes());
    await publish(memeJob(memeId));
    await world.mine(6);
    const finalOnChain = async () => {
      throw new Error("down");
    };
    await assert.rejects(new MediaCooling({}, { media, finalOnChain, logger: quiet }).turn(), /down/);
    assert.equal(await life(memeId), -1);
  });

  it("C6 a model's files come back with their types; a note that names another transaction gives nothing", async () => {
    const [glb, poster, turntable] = [someBytes(500), someBytes(400), someBytes(300)];
    const memeId = await upload(someBytes());
    const files = {
      glb: await media.put(glb, "model/gltf-binary"),
      poster: await media.put(poster, "image/webp"),
      turntable: await media.put(turntable, "image/webp"),
    };
    await publish(...modelJobs({ memeId, roundId: ROUND, provider: "local", ...files }, 7));
    for (const sha256 of Object.values(files)) await world.redis.del(`mr:media:${sha256}`);
    assert.deepEqual(await media.get(files.glb), { bytes: Buffer.from(glb), type: "model/gltf-binary" });
    assert.deepEqual((await media.get(files.poster))?.bytes, Buffer.from(poster));
    const wrong = await world.redis.hget("mr:records:media", files.glb);
    await world.redis.hset("mr:records:media", files.turntable, wrong ?? "");
    assert.equal(await media.get(files.turntable), undefined);
    assert.equal(await media.get(sha256Hex(someBytes())), undefined);
  });

  it("C6 M6 what was taken down is not published any more, nor its model; what is on chain is not read back", async () => {
    const [gone, shown] = [await upload(someBytes(700)), await upload(someBytes(800))];
    const glb = await media.put(someBytes(100), "model/gltf-binary");
    const model = {
      memeId: gone,
      roundId: ROUND,
      provider: "local",
      glb,
      poster: glb,
      turntable: glb,
    } as const;
    await takedowns().carryOut({ kind: "takedown", memeId: gone, by: "x", reason: "gore" });
    await publish(memeJob(gone), ...modelJobs(model, 7));
    assert.deepEqual(await kinds(), ["takedown"]);
    assert.deepEqual(await world.redis.hkeys("mr:records:waiting"), []);
    await publish(memeJob(shown));
    await takedowns().carryOut({ kind: "takedown", memeId: shown, by: "x", reason: "gore" });
    assert.equal(await media.get(shown), undefined);
    assert.equal(await life(shown), -2);
    await publish();
    assert.deepEqual(await kinds(), ["meme", "takedown", "takedown"]);
  });

  it("C6 M6 a rebuild into an empty Redis brings back neither the picture nor the models of what was taken down", async () => {
    const picture = await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
      .webp()
      .toBuffer();
    const [gone, kept] = [await upload(picture), await upload(someBytes(800))];
    const jobsOf = async (memeId: string): Promise<RecordJob[]> => {
      const [glb, poster, turntable] = [
        await media.put(someBytes(100), "model/gltf-binary"),
        await media.put(someBytes(90), "image/webp"),
        await media.put(someBytes(80), "image/webp"),
      ];
      const model = { memeId, roundId: ROUND, provider: "local", glb, poster, turntable } as const;
      return [memeJob(memeId), ...modelJobs(model, 7)];
    };
    const [its, others] = [await jobsOf(gone), await jobsOf(kept)];
    await publish(...its, ...others);
    await takedowns().carryOut({ kind: "takedown", memeId: gone, by: "x", reason: "gore" });
    await publish();
    await world.mine(1);
    const filesOf = (jobs: RecordJob[]) => jobs.flatMap((job) => ("media" in job ? [job.media] : []));
    await world.redis.flushall();
    const scan = await scanChain({
      network: "devchain",
      chain: world.net.port,
      operatorKeys: [world.currentKey()],
      progress: () => undefined,
    });
    const done = await restoreAll(scan, {
      network: "devchain",
      redis: world.redis,
      chain: world.net.port,
      verify: () => false,
      now: () => world.now,
      progress: () => undefined,
    });
    assert.deepEqual(done.damaged, []);
    const blocks = new BlockList(world.redis, { now: () => world.now });
    assert.equal(await blocks.find("ab".repeat(32), [await phashOf(picture)]), "near");
    for (const sha256 of filesOf(its)) {
      assert.equal(await media.get(sha256), undefined);
      assert.equal(await media.isTaken(sha256), true);
    }
    for (const sha256 of filesOf(others)) assert.ok(await media.get(sha256));
    const listed = await new Gallery(world.redis).page(undefined, 10);
    assert.deepEqual(
      listed.map(({ memeId }) => memeId),
      [kept],
    );
    assert.equal(filesOf(its).length, 4);
  });
});
