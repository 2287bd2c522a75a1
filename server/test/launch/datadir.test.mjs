/** The data folder: one launcher at a time, the same ports again, a passphrase that stays. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePorts, DataDirError, developmentPassphrase, takeLock } from "../../launch/datadir.mjs";

describe("data folder", () => {
  /** @type {string} */
  let folder;
  /** @type {string[]} */
  const said = [];
  const say = (/** @type {string} */ line) => said.push(line);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meme-rounds-data-"));
    said.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("refuses a second launcher with a sentence, and lets one in after the first has left", async () => {
    const lock = await takeLock(folder, { say });
    await assert.rejects(
      takeLock(folder, { say }),
      (error) => error instanceof DataDirError && error.message.includes(`process ${process.pid}`),
    );
    lock.release();
    (await takeLock(folder, { say })).release();
    assert.deepEqual(said, []);
  });

  it("takes over from a launcher that was killed, and stops the children it left behind", async () => {
    const orphan = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      detached: true,
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => orphan.once("exit", (_, signal) => resolve(signal)));
    (await takeLock(folder, { say })).record([{ name: "redis", pid: orphan.pid ?? assert.fail() }]);
    // The owner becomes a process that has this number no more: another start time.
    const path = join(folder, "launcher.lock");
    const left = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...left, owner: { ...left.owner, startedAt: "1" } }));

    const lock = await takeLock(folder, { say });
    assert.equal(await ended, "SIGTERM");
    assert.match(said[0] ?? "", /stopping what it left behind \(redis\)/);
    lock.release();
  });

  it("leaves alone a process that got the number of a dead child", async () => {
    const innocent = { name: "redis", pid: process.pid, startedAt: "1" };
    const owner = { name: "launcher", pid: process.pid, startedAt: "1" };
    writeFileSync(join(folder, "launcher.lock"), JSON.stringify({ owner, children: [innocent] }));
    (await takeLock(folder, { say })).release();
    assert.deepEqual(said, []);
  });

  it("a lock file cut short by a crash does not lock anybody out", async () => {
    writeFileSync(join(folder, "launcher.lock"), '{"owner":');
    (await takeLock(folder, { say })).release();
  });

  it("gives the same ports at the second start, and others only for those that are taken", async () => {
    const isFree = async () => true;
    let next = 20_000;
    const pick = () => next++;
    const names = /** @type {const} */ (["redis", "devchain"]);
    assert.deepEqual(await choosePorts(folder, names, { isFree, pick }), { redis: 20_000, devchain: 20_001 });
    assert.deepEqual(await choosePorts(folder, names, { isFree, pick }), { redis: 20_000, devchain: 20_001 });
    const busy = async (/** @type {number} */ port) => port !== 20_000;
    assert.deepEqual(await choosePorts(folder, names, { isFree: busy, pick }), {
      redis: 20_002,
      devchain: 20_001,
    });
    // A process that is not started this time keeps its port for the next.
    await choosePorts(folder, ["redis"], { isFree, pick });
    assert.deepEqual(await choosePorts(folder, names, { isFree, pick }), { redis: 20_002, devchain: 20_001 });
  });

  it("never gives one port twice", async () => {
    const picks = [20_000, 20_000, 20_001];
    const ports = await choosePorts(folder, ["redis", "devchain"], {
      isFree: async () => true,
      pick: () => picks.shift() ?? assert.fail("asked once too often"),
    });
    assert.deepEqual(ports, { redis: 20_000, devchain: 20_001 });
  });

  it("M7 makes the passphrase of development once, readable by its owner alone", () => {
    const first = developmentPassphrase(folder);
    assert.match(first, /^[0-9a-f]{64}$/);
    assert.equal(developmentPassphrase(folder), first);
    assert.equal(statSync(join(folder, "keys", "passphrase")).mode & 0o777, 0o600);
    writeFileSync(join(folder, "keys", "passphrase"), "");
    assert.throws(() => developmentPassphrase(folder), DataDirError);
  });
});
