/** M6, C6: what else of a round goes on chain, how often, and what it costs. */
import assert from "node:assert/strict";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import { type ChainRecord, readChainRecord } from "@meme-rounds/shared-schema/map-record-kinds";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import type { Entry } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import {
  costOf,
  createRecordQueue,
  keysJob,
  modelJobs,
  profileJob,
  type RecordJob,
} from "../../src/payment/ledger/index.ts";
import { memeJobs } from "../../src/payment/ledger/records.ts";
import { LedgerWorld } from "./ledger-kit.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("records on chain", () => {
  let world: LedgerWorld;
  let seed = 100;
  before(async () => {
    world = await LedgerWorld.start();
  });
  beforeEach(async () => {
    seed += 1;
    await world.reset(seed);
    await world.fill(15);
  });
  after(() => world.stop());

  /** All our records on the chain, by the operator's address. */
  const published = async (): Promise<ChainRecord[]> => {
    const found: ChainRecord[] = [];
    for (const txid of await world.made()) {
      const read = readChainRecord((await world.tx(txid)).outputs[0]?.script ?? "", "devchain");
      if (read === undefined) continue;
      assert.equal(read.signer, addressOf(world.currentKey(), "devchain"));
      found.push(read.record);
    }
    return found;
  };
  const store = (text: string, type = "image/webp"): string => {
    const bytes = bytesOf(text);
    const hash = sha256Hex(bytes);
    world.media.set(hash, { bytes, type });
    return hash;
  };
  const publish = async (...jobs: RecordJob[]): Promise<void> => {
    for (const job of jobs) await createRecordQueue(world.redis).publish(job);
  };
  const profile = (at: number, name: string): RecordJob =>
    profileJob({ playKey: world.currentKey(), identity: `ecdsa-secp256k1:${world.currentKey()}`, name }, at);
  const waiting = () => world.redis.hkeys("mr:records:waiting");

  it("M6 a profile, the keys and a model with its files reach the chain and read back", async () => {
    const [glb, poster, turntable] = [store("glb", "model/gltf-binary"), store("poster"), store("turn")];
    const memeId = store("meme");
    const model = { memeId, roundId: "main-1", provider: "local", glb, poster, turntable } as const;
    const key = world.currentKey();
    const keys = {
      network: "devchain",
      operatorKey: key,
      auditorKey: key,
      auditorHeadKey: memeId,
      receiptKey: glb,
    } as const;
    await publish(profile(5, "Ann"), keysJob(keys, 6), ...modelJobs(model, 7));
    await world.ledger().sweep();
    assert.deepEqual(await waiting(), []);
    const found = await published();
    assert.deepEqual(new Set(found.map(({ type }) => type)), new Set(["profile", "keys", "model", "media"]));
    assert.equal(found.length, 6);
    const file = found.find((one) => one.type === "media" && one.fields.role === "glb");
    assert.ok(file?.type === "media");
    assert.equal(sha256Hex(file.file.data), glb);
    assert.equal(file.file.mime, "model/gltf-binary");
    assert.ok(found.some((one) => one.type === "profile" && one.fields.name === "Ann" && one.at === 5));
    const txid = await createRecordQueue(world.redis).mediaTxid(glb);
    assert.ok(txid);
    assert.ok(readChainRecord((await world.tx(txid)).outputs[0]?.script ?? "", "devchain"));
  });

  it("M6 the same record is published once: asked twice, swept twice, killed between", async () => {
    await publish(profile(5, "Ann"), profile(5, "Ann"));
    await world.ledger().sweep();
    await publish(profile(5, "Ann"));
    await world.ledger().sweep();
    assert.equal((await published()).length, 1);
    // A worker that died after sending and before noting it.
    await world.redis.del("mr:records:txids");
    await publish(profile(5, "Ann"));
    await world.ledger().sweep();
    assert.equal((await published()).length, 1);
    await publish(profile(6, "Bob"));
    await Promise.all([world.ledger().sweep(), world.ledger().sweep(), world.ledger().sweep()]);
    assert.equal((await published()).length, 2);
  });

  it("M6 a closed round's winners go on chain, with `full` all its memes, and the round pays", async () => {
    for (const chainStore of ["winners", "full"] as const) {
      seed += 1;
      await world.reset(seed);
      await world.fill(15);
      const round = await world.play(0, 5);
      const { roundId } = round.state.open;
      // The kit's memes are ids without bytes: real ones would have these.
      const jobs = memeJobs(round.state, chainStore);
      const outcome = computeOutcome(round.state);
      assert.ok(outcome.kind === "result");
      assert.equal(jobs.length, chainStore === "full" ? 5 : outcome.winners.length);
      await world.ledger({ chainStore }).anchor(roundId);
      assert.deepEqual(new Set(await waiting()), new Set(jobs.map(({ id }) => id)));
      assert.ok(jobs.every((job) => job.type === "meme" && job.fields.creator !== undefined));
    }
  });

  it("M6 a meme's picture and words read back from the chain; its bytes are counted", async () => {
    const memeId = store("a picture");
    const roundId = "main-1800000000";
    const fields = { memeId, roundId, title: "A cat", mime: "image/webp", creator: world.currentKey() };
    const job = {
      id: `meme:${roundId}:${memeId}`,
      type: "meme",
      at: 9,
      fields,
      media: memeId,
      roundId,
    } as const;
    await publish(job);
    await world.ledger().sweep();
    const [record] = await published();
    assert.deepEqual(record, {
      type: "meme",
      at: 9,
      fields,
      file: { data: record?.type === "meme" ? record.file.data : "", mime: "image/webp" },
    });
    const cost = await costOf(world.redis, roundId);
    const [txid = ""] = await world.made();
    assert.equal(cost.mediaBytes, (await world.tx(txid)).rawHex.length / 2);
    assert.ok(cost.mediaSats && cost.mediaSats >= (cost.mediaBytes ?? 0) / 10);
  });

  it("R12 M6 a meme that was blurred or taken down does not go on chain, nor one of a voided round (R6)", async () => {
    const round = await world.play(0, 4);
    const all = memeJobs(round.state, "full").length;
    assert.equal(all, 4);
    const [first, second] = [...round.state.memes.values()];
    assert.ok(first && second);
    first.hidden = true;
    second.takenDown = true;
    const kept = memeJobs(round.state, "full").map(({ fields }) => ("memeId" in fields ? fields.memeId : ""));
    assert.equal(kept.includes(first.memeId) || kept.includes(second.memeId), false);
    const voided = await world.play(1, 1);
    assert.deepEqual(memeJobs(replay(voided.entries as Entry[]), "full"), []);
  });

  it("C6 bytes that are gone, or too many, stay off chain and hold nothing up", async () => {
    const memeId = store("a picture that is a bit longer than the others");
    const fields = { memeId, roundId: "main-1", title: "x", mime: "image/webp" };
    const job = (id: string, media: string): RecordJob => ({ id, type: "meme", at: 1, fields, media });
    const bad = Object.assign(job("bad", memeId), { fields: { ...fields, more: "1" } });
    await publish(bad, job("long", memeId), job("gone", sha256Hex(bytesOf("nowhere"))), profile(1, "Ann"));
    await world.ledger({ maxFileBytes: 20 }).sweep();
    assert.deepEqual(await waiting(), []);
    assert.deepEqual(
      (await published()).map(({ type }) => type),
      ["profile"],
    );
  });

  it("M7 without coins records wait, and are published when there are some", async () => {
    seed += 1;
    await world.reset(seed);
    await publish(profile(5, "Ann"));
    await world.ledger().sweep();
    assert.equal((await waiting()).length, 1);
    await world.fill(1);
    await world.ledger().sweep();
    assert.deepEqual(await waiting(), []);
    assert.equal((await published()).length, 1);
  });
});
