/**
 * M10 on a round that was really played: separate processes, a ledger, a settlement; then the command line and the page,
 * with the server's hints and with the server switched off.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { proofAnswer } from "@meme-rounds/shared-schema/rest";
import { Player } from "../../../loadtest/src/player.ts";
import { runVerify } from "../../src/tools/verify.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { keepPicture, startBrowser } from "./page.ts";

const fixture = (name: string) => readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));

describe("a played round is verified", function () {
  this.timeout(180_000);
  let cluster: Cluster;
  let roundId: string;
  let link: { txid: string; operatorKey: string };
  let said = "";

  before(async () => {
    cluster = await startCluster({ roundSeconds: 20 });
    const players = [0, 1, 2].map(() => new Player(cluster.url));
    const coins = [];
    for (const player of players) {
      await player.signIn();
      coins.push(await player.faucet(60_000));
    }
    const [ann, bob, cat] = players as [Player, Player, Player];
    const doge = await ann.upload(await fixture("doge.png"), "Such depth");
    const portrait = await bob.upload(await fixture("portrait.jpg"), "A portrait");
    const round = await until(
      async () => {
        const snapshot = await ann.current();
        return snapshot.depositsCloseAt - Date.now() > 12_000 ? snapshot : undefined;
      },
      { deadlineMs: 40_000, what: "a fresh round" },
    );
    roundId = round.roundId;
    for (const [at, player] of players.entries()) {
      const coin = coins[at];
      assert.ok(coin);
      await player.join(round.roomId);
      assert.ok((await player.deposit(round, coin, 20_000)).ok);
    }
    assert.ok((await ann.enter(round, doge, 1_000)).ok);
    assert.ok((await bob.enter(round, portrait, 1_000)).ok);
    assert.ok((await cat.boost(round, doge.memeId, 3_000)).ok);
    assert.ok((await ann.boost(round, portrait.memeId, 500)).ok);
    assert.ok((await cat.chat(round, "to the moon")).ok);
    const proof = await until(
      async () => {
        const answer = await fetch(`${cluster.url}/api/rounds/${roundId}/proof`);
        const parsed = proofAnswer.safeParse(await answer.json());
        return parsed.success && parsed.data.link && parsed.data.settlement.length > 0
          ? parsed.data
          : undefined;
      },
      { deadlineMs: 60_000, what: "a settled round" },
    );
    assert.ok(proof.link);
    link = proof.link;
  });
  after(() => cluster?.stop());

  const run = async (...args: string[]): Promise<number> => {
    said = "";
    return await runVerify(args, {
      say: (line) => {
        said += `${line}\n`;
      },
      progress: () => undefined,
      colour: false,
      clock: Date.now,
    });
  };
  const green = async (...args: string[]): Promise<boolean> => (await run(...args)) === 0;

  it("M10: with the server's hints every row is green, the auditor's heads among them", async () => {
    await until(() => green(roundId, "--server", cluster.url), { deadlineMs: 30_000, what: "green" });
    assert.match(said, /✔ The auditor saw the same journal live +heads \d+/);
    assert.equal(said.match(/✔/g)?.length, 11, said);
    const [, records = ""] = /journal is the one the ledger names +records (\d+)/.exec(said) ?? [];
    assert.ok(Number(records) > 10);
  });

  it("M10: the page reads the chain on another origin and shows the same, for a phone too", async () => {
    const browser = await startBrowser(cluster.url);
    try {
      for (const [width, height] of [
        [1440, 900],
        [390, 844],
      ] as const) {
        const { page, errors } = await browser.person({ width, height });
        await page.goto(`${cluster.url}/rounds/${roundId}/verify`);
        const banner = page.getByTestId("verdict");
        await until(async () => (await banner.getAttribute("data-verdict")) !== "", {
          deadlineMs: 60_000,
          what: "a verdict",
        });
        assert.equal(
          await banner.getAttribute("data-verdict"),
          "green",
          (await page.getByRole("main").textContent()) ?? "",
        );
        assert.equal(await page.locator('[data-testid="check"][data-standing="green"]').count(), 11);
        await keepPicture(page, `verify-played-${width}`);
        assert.deepEqual(errors, []);
      }
    } finally {
      await browser.close();
    }
  });

  it("M10: npm run verify itself, as a process, with the server switched off", async () => {
    await cluster.processes.game.stop();
    const args = [
      "server/src/tools/verify.ts",
      link.txid,
      "--no-server",
      "--woc",
      cluster.devchain.url,
      "--json",
    ];
    const cwd = new URL("../../..", import.meta.url);
    const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: "utf8", cwd });
    assert.equal((JSON.parse(stdout) as { verdict: string }).verdict, "green");
    assert.equal(await run(link.txid, "--no-server", "--woc", cluster.devchain.url), 0, said);
    assert.equal(
      await run(roundId, "--no-server", "--woc", cluster.devchain.url, "--operator", link.operatorKey),
      0,
      said,
    );
  });
});
