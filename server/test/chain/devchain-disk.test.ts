/** The devchain's disk, and the devchain as a process. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transaction } from "@bsv/sdk";
import { z } from "zod";
import { startDevchain } from "../../standins/devchain/server.ts";
import { openStore } from "../../standins/devchain/store.ts";
import { until } from "../support/wait.ts";
import { keyOf, type Net, readJson, spend, startNet } from "./support.ts";

const alice = keyOf(21);

describe("devchain: disk", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "devchain-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** Everything that callers can ask for, as text. */
  const picture = ({ chain: { state } }: Net): string =>
    JSON.stringify({
      blocks: state.blocks.map(({ hash, txids }) => ({ hash, txids })),
      mempool: [...state.mempool],
      rows: [...state.rows.values()].map(({ tx, status, competing, mined }) => [
        tx.txid,
        status,
        competing,
        mined?.block.hash,
        tx.outputs.map((_, vout) => state.coins.get(tx.txid, vout)?.spentBy),
      ]),
      aheadMs: state.aheadMs,
    });

  /** A chain with a conflict, a reorganisation, an eviction and a moved clock behind it. */
  async function live(): Promise<{ net: Net; coin: Transaction }> {
    const net = await startNet({ dataDir: dir });
    const coin = await net.fund(alice, 50_000);
    const tx = await spend(coin, alice);
    await net.port.broadcast(tx);
    await net.port.broadcast(await spend(coin, alice, { sats: 2_000 }));
    await net.call("/dev/mine");
    const dropped = await net.fund(keyOf(23), 4_000);
    await net.call("/dev/mine");
    await net.call(`/dev/reorg?depth=2&drop=${dropped.id("hex")}`);
    await net.call("/dev/clock?seconds=60");
    const raced = await net.fund(alice, 50_000);
    await net.port.broadcast(await spend(raced, alice));
    await net.call(`/dev/submit?force=1&tx=${(await spend(raced, alice, { sats: 3_000 })).toHex()}`);
    for (const trace of ["unknown", "stale"])
      await net.call(`/dev/evict?trace=${trace}&txid=${(await net.fund(alice, 4_000)).id("hex")}`);
    return { net, coin: await net.fund(alice, 60_000) };
  }

  it("O4: stopped and started again it is the same, and goes on", async () => {
    const { net, coin } = await live();
    const before = picture(net);
    await net.close();
    const again = await startNet({ dataDir: dir });
    try {
      assert.equal(picture(again), before);
      assert.equal((await again.port.broadcast(await spend(coin, alice))).outcome, "seen");
      again.chain.mine();
    } finally {
      await again.close();
    }
  });

  it("O4: a torn last line is cut off, and the log goes on behind it", async () => {
    const { net } = await live();
    const before = picture(net);
    await net.close();
    const log = join(dir, "devchain", "log.jsonl");
    const whole = await readFile(log, "utf8");
    await appendFile(log, '{"t":"tx","at":18000');
    const again = await startNet({ dataDir: dir });
    assert.equal(picture(again), before);
    await again.call("/dev/mine");
    const after = picture(again);
    await again.close();
    assert.ok((await readFile(log, "utf8")).startsWith(whole));
    const third = await startNet({ dataDir: dir });
    assert.equal(picture(third), after);
    await third.close();
  });

  it("O4: damage before the last line is refused, with the line's number", async () => {
    await (await live()).net.close();
    const log = join(dir, "devchain", "log.jsonl");
    const lines = (await readFile(log, "utf8")).split("\n");
    lines[2] = lines[2]?.slice(0, -9) ?? "";
    await writeFile(log, lines.join("\n"));
    await assert.rejects(startDevchain({ port: 0, dataDir: dir, blockSeconds: 0 }), /line 3 is damaged/);
  });

  it("O4: what was acknowledged is on disk before the answer", async () => {
    const net = await startNet({ dataDir: dir });
    const tx = await spend(await net.fund(alice, 50_000), alice);
    await net.port.broadcast(tx);
    const { events, store } = await openStore(join(dir, "devchain"));
    await store.close();
    assert.ok(events.some((event) => event.t === "tx" && event.hex === tx.toHex()));
    await net.close();
  });

  it("O4: as a process it says when it is ready, mines by itself, and ends with 0 on SIGTERM", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../standins/devchain/main.ts")], {
      env: {
        ...process.env,
        NODE_ENV: "test",
        DEVCHAIN_PORT: "0",
        DATA_DIR: dir,
        DEVCHAIN_BLOCK_SECONDS: "0.05",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    const url = await until(() => /"ready":true,"url":"([^"]+)"/.exec(said)?.[1], { deadlineMs: 15_000 });
    await until(
      async () =>
        (await readJson(fetch(`${url}/v1/bsv/main/chain/info`), z.object({ blocks: z.number() }))).blocks >=
        2,
    );
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });
});
