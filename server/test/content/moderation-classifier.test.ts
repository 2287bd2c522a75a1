/** C2: the classifier itself, without a network; its thread, and what happens when that fails. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import sharp from "sharp";
import {
  type Classifier,
  type ClassifierOptions,
  createClassifier,
} from "../../src/content/moderation/classifier.ts";
import { isUnsafe, type NsfwScores, worstOf } from "../../src/content/moderation/scores.ts";
import { createLogger } from "../../src/infra/logger.ts";

const logger = createLogger("test", "silent");
const fixture = fileURLToPath(new URL("../fixtures/memes/doge.png", import.meta.url));
const program = (code: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort as port } from "node:worker_threads";
const scores = { drawing: 0.5, hentai: 0, neutral: 0.5, porn: 0, sexy: 0 };${code}`)}`,
  );
const ANSWERS = `port.on("message", ({ id, picture }) => {
  if (picture[0] === 1) for (;;);
  if (picture[0] === 2) process.exit(1);
  if (picture[0] === 3) return port.postMessage({ id, error: "unreadable" });
  port.postMessage({ id, scores });
});
port.postMessage({ ready: true });`;
const FINE = Uint8Array.of(0);
const HANGS = Uint8Array.of(1);
const DIES = Uint8Array.of(2);
const BROKEN = Uint8Array.of(3);

describe("moderation: the classifier", function () {
  this.timeout(60_000);
  const made: Classifier[] = [];
  const classifier = (options: ClassifierOptions = {}): Classifier => {
    const one = createClassifier(options, { logger });
    made.push(one);
    return one;
  };
  after(() => Promise.all(made.map((one) => one.stop())));

  describe("with its weights", () => {
    let real: Classifier;
    before(async () => {
      real = classifier();
      await real.warm();
    });

    it("C2: gives a drawn dog five probabilities, none of them explicit", async () => {
      const scores = await real.scoresOf(await readFile(fixture));
      assert.ok(Math.abs(Object.values(scores).reduce((sum, one) => sum + one, 0) - 1) < 0.01);
      assert.ok(scores.porn + scores.hentai + scores.sexy < 0.1, JSON.stringify(scores));
      assert.ok(scores.drawing + scores.neutral > 0.9);
    });

    it("C2: takes whatever shape the stored WebP has: transparent, grey, very long, tiny, animated", async () => {
      const png = sharp(fixture);
      const pictures = [
        await png.clone().ensureAlpha(0.5).webp().toBuffer(),
        await png.clone().greyscale().toColourspace("b-w").png().toBuffer(),
        await png.clone().resize(1600, 64, { fit: "fill" }).webp().toBuffer(),
        await png.clone().resize(64, 1600, { fit: "fill" }).webp().toBuffer(),
        await png.clone().resize(1, 1).png().toBuffer(),
        await png.clone().jpeg().toBuffer(),
      ];
      for (const picture of pictures)
        assert.equal(
          isUnsafe(await real.scoresOf(picture), {
            rejectExplicit: 0.85,
            reviewExplicit: 0.5,
            reviewSuggestive: 0.75,
          }),
          "approved",
        );
    });

    it("C2: what is no picture is an error, and the next picture is fine", async () => {
      await assert.rejects(real.scoresOf(Buffer.from("no picture")), /unsupported|format/i);
      await real.scoresOf(await readFile(fixture));
    });

    it("C2: opens no connection, neither loading nor looking", async () => {
      const guard = `data:text/javascript,${encodeURIComponent(`
        import net from "node:net"; import dgram from "node:dgram"; import dns from "node:dns"; import { writeSync } from "node:fs";
        const stop = () => { writeSync(2, "NETWORK\\n"); return Promise.reject(new Error("no network")); };
        net.Socket.prototype.connect = stop; dgram.Socket.prototype.send = stop; dns.lookup = stop; globalThis.fetch = stop;
      `)}`;
      const program = fileURLToPath(new URL("moderation-look.ts", import.meta.url));
      const run = (...more: string[]) =>
        promisify(execFile)(process.execPath, ["--import", guard, program, fixture, ...more]);
      const { stdout, stderr } = await run();
      assert.match(stdout, /"neutral":0\.\d/);
      assert.doesNotMatch(stderr, /NETWORK/);
      // The guard does hold in threads.
      assert.match((await run("fetch as well")).stderr, /NETWORK/);
    });
  });

  describe("its thread", () => {
    it("C2: a picture it hangs on is refused in time, and the next gets a new thread", async () => {
      const one = classifier({ thread: program(ANSWERS), limitMs: 300 });
      const waiting = [HANGS, FINE].map((picture) => one.scoresOf(picture));
      await assert.rejects(waiting[0] ?? Promise.resolve(), /too long/);
      assert.equal((await waiting[1])?.neutral, 0.5);
    });

    it("C2: a thread that dies refuses its picture, and the next gets a new one", async () => {
      const one = classifier({ thread: program(ANSWERS) });
      const waiting = [DIES, FINE, BROKEN, FINE].map((picture) => one.scoresOf(picture));
      await assert.rejects(waiting[0] ?? Promise.resolve(), /ended/);
      assert.equal((await waiting[1])?.neutral, 0.5);
      await assert.rejects(waiting[2] ?? Promise.resolve(), /unreadable/);
      assert.equal((await waiting[3])?.neutral, 0.5);
    });

    it("C2: a thread that does not start refuses, at once for a while, then tries again", async () => {
      const one = classifier({ thread: program(`throw new Error("no weights");`), pauseMs: 60_000 });
      await assert.rejects(one.warm());
      await assert.rejects(one.scoresOf(FINE), /a moment ago/);
      const other = classifier({ thread: program(`throw new Error("no weights");`), pauseMs: 0 });
      await assert.rejects(other.warm());
      await assert.rejects(other.scoresOf(FINE), /ended/);
      await assert.rejects(classifier({ thread: program(""), startMs: 100 }).warm(), /ended|in time/);
    });

    it("C2: more pictures than may wait are refused as busy, and the others are looked at", async () => {
      const one = classifier({ thread: program(ANSWERS), maxWaiting: 2 });
      const all = await Promise.allSettled([FINE, FINE, FINE, FINE].map((picture) => one.scoresOf(picture)));
      const refused = all.filter((result) => result.status === "rejected");
      assert.equal(refused.length, 1);
      assert.ok(refused[0]?.reason instanceof CodedError && refused[0].reason.code === "UNAVAILABLE");
    });

    it("C2: stopping refuses what waits", async () => {
      const one = classifier({ thread: program(ANSWERS), limitMs: 30_000 });
      await one.warm();
      const waiting = Promise.allSettled([one.scoresOf(HANGS), one.scoresOf(FINE)]);
      await one.stop();
      assert.deepEqual(
        (await waiting).map(({ status }) => status),
        ["rejected", "rejected"],
      );
      await assert.rejects(one.scoresOf(FINE));
    });
  });

  describe("its numbers", () => {
    const thresholds = { rejectExplicit: 0.8, reviewExplicit: 0.3, reviewSuggestive: 0.7 };
    const scores = (porn: number, hentai: number, sexy: number): NsfwScores => ({
      porn,
      hentai,
      sexy,
      neutral: 1 - porn - hentai - sexy,
      drawing: 0,
    });
    const cases: [NsfwScores, string][] = [
      [scores(0, 0, 0), "approved"],
      [scores(0.2, 0.09, 0), "approved"],
      [scores(0.2, 0.1, 0), "review"],
      [scores(0.4, 0.39, 0), "review"],
      [scores(0.4, 0.4, 0), "rejected"],
      [scores(0.9, 0, 0), "rejected"],
      [scores(0, 0.9, 0), "rejected"],
      [scores(0, 0, 0.69), "approved"],
      [scores(0, 0, 0.7), "review"],
      [scores(0.1, 0, 0.6), "review"],
      [scores(Number.NaN, 0, 0), "review"],
    ];
    for (const [given, verdict] of cases)
      it(`C2: porn ${given.porn}, hentai ${given.hentai}, sexy ${given.sexy} is ${verdict}`, () =>
        assert.equal(isUnsafe(given, thresholds), verdict));

    it("C2: of several views the worst one counts", () => {
      const [mild, bad] = [scores(0, 0, 0.5), scores(0.4, 0, 0)];
      assert.equal(worstOf([mild, bad, scores(0, 0, 0)]), bad);
      assert.throws(() => worstOf([]), RangeError);
    });
  });
});
