/** The supervisor on small fake children: order, restarts, deadlines, last words. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTail } from "../../launch/child.mjs";
import { createSupervisor, ProcessFailure } from "../../launch/processes.mjs";
import { isPortFree } from "../../launch/ready.mjs";
import { freePort } from "../support/ports.ts";
import { until } from "../support/wait.ts";

const script = fileURLToPath(new URL("fake-child.mjs", import.meta.url));

describe("supervisor", () => {
  /** @type {string} */
  let folder;
  /** @type {string[]} */
  let said;
  /** @type {ReturnType<typeof createSupervisor>} */
  let supervisor;

  /** @param {Partial<import("../../launch/processes.mjs").Options>} [options] */
  const supervise = (options = {}) => {
    supervisor = createSupervisor(
      { logsDir: join(folder, "logs"), restartDelayMs: 1, ...options },
      { say: (line) => said.push(line) },
    );
    return supervisor;
  };
  /**
   * @param {string} name
   * @param {Record<string, string>} [env]
   * @returns {Promise<import("../../launch/plan.mjs").ProcessSpec>}
   */
  const fake = async (name, env = {}) => {
    const port = await freePort();
    return {
      name,
      command: process.execPath,
      args: [script],
      env: { CHILD: name, JOURNAL: join(folder, "journal"), FAKE_PORT: String(port), ...env },
      port,
      ready: { kind: "http", url: `http://127.0.0.1:${port}/healthz` },
      stopMs: 5_000,
    };
  };
  const journal = () => readFileSync(join(folder, "journal"), "utf8").trim().split("\n");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meme-rounds-supervisor-"));
    said = [];
  });
  afterEach(async () => {
    supervisor.hurry();
    supervisor.hurry();
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("starts in order, each when the one before is ready, and stops in the opposite order", async () => {
    const specs = [await fake("first"), await fake("second"), await fake("third")];
    await supervise().start(specs);
    assert.deepEqual(journal(), ["first up", "second up", "third up"]);
    await supervisor.stop();
    assert.deepEqual(
      journal().filter((line) => line.endsWith("down")),
      ["third down", "second down", "first down"],
    );
    for (const { port } of specs) assert.equal(await isPortFree(port), true);
    assert.deepEqual(said, ["Stopping third.", "Stopping second.", "Stopping first."]);
  });

  it("says a child's last lines when it dies, and starts it again", async () => {
    await supervise().start([await fake("weak", { DIE: `once:${join(folder, "died")}` })]);
    assert.match(said[0] ?? "", /^weak ended unexpectedly \(exit code 3\)\. Its last lines:$/);
    assert.match(said[1] ?? "", /weak cannot live: the reason/);
    assert.equal(said[2], "Starting weak again (1 of 5).");
    assert.deepEqual(journal(), ["weak up"]);
    assert.match(readFileSync(join(folder, "logs", "weak.log"), "utf8"), /the reason/);
  });

  it("brings back a child that is killed long after the start", async () => {
    /** @type {{ name: string, pid: number }[]} */
    let running = [];
    supervisor = createSupervisor(
      { logsDir: join(folder, "logs"), restartDelayMs: 1 },
      { say: (line) => said.push(line), onChange: (now) => (running = now) },
    );
    await supervisor.start([await fake("steady"), await fake("victim")]);
    const before = running.find(({ name }) => name === "victim")?.pid ?? assert.fail("victim runs");
    process.kill(before, "SIGKILL");
    await until(() => journal().filter((line) => line === "victim up").length === 2);
    assert.notEqual(running.find(({ name }) => name === "victim")?.pid, before);
    assert.match(said[0] ?? "", /^victim ended unexpectedly \(by SIGKILL\)/);
    assert.equal(journal().filter((line) => line === "steady up").length, 1);
  });

  it("gives up on a child that dies a sixth time within a minute", async () => {
    const spec = await fake("doomed", { DIE: "always" });
    await assert.rejects(
      supervise().start([spec]),
      (error) => error instanceof ProcessFailure && /doomed ended 6 times within 60 s/.test(error.message),
    );
    assert.equal(said.filter((line) => line.startsWith("Starting doomed again")).length, 5);
    assert.equal(
      said.filter((line) => line.includes("cannot live")).length,
      1,
      "the same last lines are said once",
    );
    await assert.rejects(supervisor.failed, ProcessFailure);
  });

  it("forgets deaths that lie over a minute back", async () => {
    let minutes = 0;
    supervisor = createSupervisor(
      { logsDir: join(folder, "logs"), restartDelayMs: 1, maxRestarts: 1, readyMs: Number.MAX_SAFE_INTEGER },
      {
        say: (line) => {
          said.push(line);
          if (line.startsWith("Starting doomed again")) minutes++;
        },
        // The clock jumps a minute with every restart, so no two deaths count together until it stands still.
        now: () => Math.min(minutes, 4) * 60_000,
      },
    );
    await assert.rejects(supervisor.start([await fake("doomed", { DIE: "always" })]), /doomed ended 2 times/);
    assert.equal(said.filter((line) => line.startsWith("Starting doomed again")).length, 5);
  });

  it("gives up on a child that does not get ready", async () => {
    const spec = await fake("mute");
    spec.ready = { kind: "tcp", port: await freePort() };
    await assert.rejects(supervise({ readyMs: 300 }).start([spec]), /mute did not get ready/);
  });

  it("says that a program cannot be started", async () => {
    const spec = { ...(await fake("absent")), command: join(folder, "no-such-program") };
    await assert.rejects(supervise({ maxRestarts: 0 }).start([spec]), ProcessFailure);
    assert.match(said[0] ?? "", /it cannot be started: .*ENOENT/);
  });

  it("kills a child that does not stop in time, then stops the others", async () => {
    const stubborn = { ...(await fake("stubborn", { STUBBORN: "1" })), stopMs: 100 };
    await supervise().start([await fake("base"), stubborn]);
    await supervisor.stop();
    assert.ok(said.includes("stubborn did not stop in time: killed."));
    assert.equal(journal().at(-1), "base down");
    assert.equal(await isPortFree(stubborn.port), true);
  });

  it("R11 a second signal tells the child again and does not wait for its deadline", async () => {
    const stubborn = { ...(await fake("stubborn", { STUBBORN: "1" })), stopMs: 600_000 };
    await supervise({ hurryMs: 100 }).start([await fake("base"), stubborn]);
    const stopped = supervisor.stop();
    await until(() => journal().includes("stubborn told"));
    supervisor.hurry();
    await stopped;
    assert.equal(journal().filter((line) => line === "stubborn told").length, 2);
    assert.equal(journal().at(-1), "base down");
  });

  it("starts nothing more once it was told to stop", async () => {
    const specs = [await fake("first"), await fake("second")];
    const started = supervise().start(specs);
    const stopped = supervisor.stop();
    await Promise.all([started, stopped]);
    assert.equal(said.includes("Stopping second."), false);
    for (const { port } of specs) assert.equal(await isPortFree(port), true);
  });

  it("keeps the last lines only", () => {
    const tail = createTail(2);
    tail.add("one\ntw");
    tail.add("o\n\nthree");
    assert.deepEqual(tail.lines(), ["two", "three"]);
    tail.clear();
    assert.deepEqual(tail.lines(), []);
  });
});
