/** One's own page in a real browser, of a player who has played: figures, chart, rounds, memes, devices, profile. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { type Activity, activityAnswer } from "@meme-rounds/shared-schema/rest-activity";
import { toWif } from "@meme-rounds/shared-schema/wif";
import type { Page } from "playwright-core";
import { Player } from "../../../loadtest/src/player.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const fixture = (name: string) => readFile(new URL(`../fixtures/memes/${name}`, import.meta.url));

describe("one's own page", function () {
  this.timeout(240_000);
  let cluster: Cluster;
  let browser: Browser;
  let ann: Player;
  let played: Activity;

  before(async () => {
    cluster = await startCluster({ roundSeconds: 30 });
    browser = await startBrowser(cluster.url);
    ann = new Player(cluster.url);
    const bob = new Player(cluster.url);
    await playRound(ann, bob);
    played = await until(
      async () => {
        const answer = await ann.call(activityAnswer, "GET", "/me/activity");
        const [round] = answer.rounds;
        return round && round.txids.length > 0 && round.memes[0]?.model ? answer : undefined;
      },
      { deadlineMs: 120_000, what: "a paid round with a model in the activity" },
    );
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  /** Two players, a meme each, and each backs the other's. */
  async function playRound(one: Player, two: Player): Promise<void> {
    const memes = [];
    const coins = [];
    for (const [player, name, title] of [
      [one, "doge.png", "Such depth"],
      [two, "portrait.jpg", "A portrait"],
    ] as const) {
      await player.signIn();
      coins.push(await player.faucet(60_000));
      memes.push(await player.upload(await fixture(name), title));
    }
    const round: Snapshot = await until(
      async () => {
        const snapshot = await one.current();
        return snapshot.depositsCloseAt - Date.now() > 18_000 ? snapshot : undefined;
      },
      { deadlineMs: 60_000, what: "a fresh round" },
    );
    for (const [at, player] of [one, two].entries()) {
      const [coin, meme] = [coins[at], memes[at]];
      assert.ok(coin && meme);
      await player.join(round.roomId);
      assert.ok((await player.deposit(round, coin, 20_000)).ok);
      assert.ok((await player.enter(round, meme, round.entryPrice)).ok);
    }
    assert.ok((await one.boost(round, memes[1]?.memeId ?? "", 2_000)).ok);
    assert.ok((await two.boost(round, memes[0]?.memeId ?? "", 5_000)).ok);
  }

  /** The page as the player who has played: the key comes back, and signs in. */
  async function asAnn(size: typeof DESK): Promise<{ page: Page; errors: string[] }> {
    const { page, errors } = await browser.person(size);
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("restore").locator("summary").click();
    await page.getByTestId("restore-text").fill(toWif(ann.secret, "devchain"));
    await page.getByTestId("restore-submit").click();
    await page.getByTestId("dashboard-open").click();
    await page.getByTestId("dashboard").waitFor();
    await page.getByTestId("played-round").first().waitFor();
    return { page, errors };
  }

  it("E8, E10: shows every figure of the played round, to the satoshi, and where it is proven", async () => {
    const { page, errors } = await asAnn(DESK);
    const [round] = played.rounds;
    assert.ok(round);
    assert.equal(await satsOf(page, "net"), played.totals.netSats);
    assert.equal(await satsOf(page, "round-net"), round.netSats);
    assert.equal(round.netSats, round.payoutSats - round.depositedSats);
    assert.match((await page.getByTestId("own-meme").first().textContent()) ?? "", /Such depth/);
    await keepPicture(page, "dashboard-1440");
    const chart = page.getByTestId("earnings").getByRole("slider");
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    assert.match((await page.getByTestId("earnings-words").textContent()) ?? "", /in 1 round/);
    await page.getByTestId("devices").scrollIntoViewIfNeeded();
    await keepPicture(page, "dashboard-devices-1440");
    await page.getByTestId("own-meme").first().getByRole("button").click();
    await page.locator("model-viewer").first().waitFor({ timeout: 20_000 });
    await page.keyboard.press("Escape");
    await page.getByTestId("played-round").getByTestId("verify-link").click();
    await until(() => Promise.resolve(page.url().endsWith(`/rounds/${round.roundId}/verify`)), {
      what: "the round's proof",
    });
    assert.deepEqual(errors, []);
  });

  it("M6: name and picture are changed, and shown", async () => {
    const { page, errors } = await asAnn(PHONE);
    await keepPicture(page, "dashboard-390");
    await page.getByTestId("rename").click();
    await page.getByTestId("profile-name-field").fill("Admin");
    await page.getByTestId("profile-name-save").click();
    await page.getByTestId("profile").getByTestId("error").waitFor();
    await page.getByTestId("profile-name-field").fill("Ann of the arena");
    await page.getByTestId("profile-name-save").click();
    await until(async () => (await page.getByTestId("profile-name").textContent()) === "Ann of the arena", {
      what: "the new name",
    });
    await page.getByTestId("avatar").click();
    await page.getByTestId("avatar-choice").first().click();
    const src = `/media/${played.rounds[0]?.memes[0]?.memeId}`;
    await page.getByTestId("profile").locator(`img[src="${src}"]`).waitFor();
    await page.reload();
    await page.getByTestId("profile").locator(`img[src="${src}"]`).waitFor();
    assert.equal(await page.getByTestId("profile-name").textContent(), "Ann of the arena");
    await keepPicture(page, "dashboard-profile-390");
    assert.deepEqual(errors, []);
  });

  it("I2: sessions elsewhere are ended from here", async () => {
    const { page, errors } = await asAnn(DESK);
    const sessions = page.getByTestId("session");
    await until(async () => (await sessions.count()) >= 2, { what: "the sessions of the other devices" });
    await page.getByTestId("end-others").click();
    await until(async () => (await sessions.count()) === 1, { what: "one session left" });
    await assert.rejects(ann.call(activityAnswer, "GET", "/me/activity"), /TOKEN_INVALID/);
    assert.equal(await page.getByTestId("play-key").count(), 1);
    assert.deepEqual(errors, []);
  });

  it("says what it is to whoever is not signed in", async () => {
    const { page, errors } = await browser.person(PHONE);
    await page.goto(`${cluster.url}/me`);
    await page.getByTestId("dashboard-sign-in").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("nothing-played").waitFor({ state: "attached" });
    await page.keyboard.press("Escape");
    await keepPicture(page, "dashboard-empty-390");
    assert.deepEqual(errors, []);
  });
});
