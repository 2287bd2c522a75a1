/**
 * A whole short round in a real browser: two players and a spectator, from an empty page to the winner's new balance.
 * Rules R2, R6, R8, R10, I2, I3, E8, M3, C3, C7.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { verifyCompact } from "@meme-rounds/shared-schema/crypto";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import {
  type RoundDetail,
  roundDetail,
  type Snapshot,
  snapshotSchema,
} from "@meme-rounds/shared-schema/rest";
import { verifyJournal } from "@meme-rounds/shared-schema/verify-journal";
import type { Page } from "playwright-core";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";

const ROUND_SECONDS = 50;
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const meme = (name: string) => fileURLToPath(new URL(`../fixtures/memes/${name}`, import.meta.url));

describe("the page plays a whole round", function () {
  this.timeout(300_000);
  let cluster: Cluster;
  let browser: Browser;
  before(async () => {
    cluster = await startCluster({ roundSeconds: ROUND_SECONDS });
    browser = await startBrowser(cluster.url);
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const get = async (path: string): Promise<unknown> => (await fetch(`${cluster.url}/api${path}`)).json();
  const current = async (): Promise<Snapshot> => snapshotSchema.parse(await get("/rounds/current"));

  /** One press makes a key and signs in; then coins from the faucet. */
  async function arrive(page: Page): Promise<void> {
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, {
      deadlineMs: 20_000,
      what: "coins from the faucet",
    });
  }

  async function deposit(page: Page, sats: number): Promise<number> {
    await page.getByTestId("deposit-amount").fill(String(sats));
    await page.getByTestId("deposit").click();
    await until(async () => (await satsOf(page, "in-round")) > 0, {
      deadlineMs: 15_000,
      what: "the deposit in the round",
    });
    const balance = await satsOf(page, "balance");
    await page.keyboard.press("Escape");
    return balance;
  }

  async function enter(page: Page, file: string, title: string): Promise<void> {
    await page.getByTestId("enter-open").first().click();
    await page.getByTestId("enter-file").setInputFiles(meme(file));
    await page.getByTestId("enter-title").fill(title);
    await keepPicture(page, `enter-${title}`);
    await page.getByTestId("enter-upload").click();
    await page.getByTestId("enter-submit").click();
    await page.getByTestId("enter-submit").waitFor({ state: "detached" });
  }

  it("R2-R8, E8, I3: key, faucet, deposit, meme, boost, blind, payout to the satoshi, 3D", async () => {
    const ann = await browser.person(PHONE);
    const bob = await browser.person(DESK);
    const cat = await browser.person(DESK);
    for (const { page } of [ann, bob]) await arrive(page);
    await keepPicture(ann.page, "wallet-390");
    const round = await until(
      async () => {
        const snapshot = await current();
        return snapshot.depositsCloseAt - Date.now() > 30_000 ? snapshot : undefined;
      },
      { deadlineMs: 100_000, what: "a fresh round" },
    );
    const kept = [await deposit(ann.page, 15_000), await deposit(bob.page, 15_000)];
    await enter(ann.page, "doge.png", "Such depth");
    await enter(bob.page, "portrait.jpg", "A portrait");

    const card = (page: Page, title: string) => page.getByTestId("meme-card").filter({ hasText: title });
    await bob.page.getByTestId("boost-amount-1000").first().click();
    await card(bob.page, "Such depth").getByTestId("boost").click();
    await ann.page.getByTestId("boost-amount-100").first().click();
    await card(ann.page, "A portrait").getByTestId("boost").click();
    await bob.page.getByTestId("chat-input").fill("to the moon");
    await bob.page.getByTestId("chat-send").click();

    // The spectator has no key and sees it all.
    await until(async () => (await card(cat.page, "Such depth").getAttribute("data-rank")) === "1", {
      what: "the rank",
    });
    await until(async () => (await satsOf(cat.page, "pot")) === 3_100, {
      what: "a pot of 3,100 sat at the spectator's",
    });
    await cat.page.getByTestId("chat-line").filter({ hasText: "to the moon" }).waitFor();
    for (const [name, { page }] of Object.entries({
      "round-390": ann,
      "round-1440": bob,
      "spectator-1440": cat,
    }))
      await keepPicture(page, name);

    await until(async () => (await cat.page.getByTestId("phase").getAttribute("data-phase")) === "blind", {
      deadlineMs: 100_000,
      what: "the blind phase",
    });
    await keepPicture(cat.page, "blind-1440");
    await keepPicture(ann.page, "blind-390");

    const detail = await until<RoundDetail | undefined>(
      async () => {
        const found = roundDetail.safeParse(await get(`/rounds/${round.roundId}`));
        return found.success && found.data.settlement !== "pending" ? found.data : undefined;
      },
      { deadlineMs: 100_000, everyMs: 500, what: "the settlement" },
    );
    const lines = await (await fetch(`${cluster.url}/api/rounds/${round.roundId}/journal`)).text();
    const entries: Entry[] = lines
      .trim()
      .split("\n")
      .map((line) => entrySchema.parse(JSON.parse(line)));
    const verdict = verifyJournal(entries, verifyCompact);
    assert.ok(verdict.ok);
    const outcome = computeOutcome(verdict.state);
    assert.ok(outcome.kind === "result");
    assert.deepEqual(outcome.result.payouts, detail.payouts);
    const creator = detail.memesRanked[0]?.creator;
    const dueTo = (who: (playKey: string) => boolean): number => {
      const due = outcome.result.payouts.find(({ playKey }) => who(playKey));
      assert.ok(due);
      return due.won + due.returned;
    };
    // Ann made the winner, Bob backed it: both new balances, to the satoshi.
    const expected = [dueTo((key) => key === creator), dueTo((key) => key !== creator)];
    for (const [index, { page }] of [ann, bob].entries())
      await until(
        async () => (await satsOf(page, "balance")) === (kept[index] ?? 0) + (expected[index] ?? 0),
        {
          deadlineMs: 30_000,
          what: `person ${index}'s balance of ${(kept[index] ?? 0) + (expected[index] ?? 0)} sat`,
        },
      );
    await ann.page.getByTestId("result").first().waitFor();
    assert.equal(await satsOf(ann.page, "result-payout"), expected[0]);
    await until(async () => roundDetail.parse(await get(`/rounds/${round.roundId}`)).memesRanked[0]?.model, {
      deadlineMs: 100_000,
      everyMs: 500,
      what: "the winner's model",
    });
    await ann.page
      .getByTestId("result")
      .getByRole("button", { name: /open in 3D/ })
      .first()
      .click({ timeout: 30_000 });
    await ann.page.locator('[data-testid="viewer"][data-state="ready"]').waitFor({ timeout: 60_000 });
    await keepPicture(ann.page, "viewer-390");
    await ann.page.keyboard.press("Escape");
    await keepPicture(ann.page, "result-390");
    await keepPicture(bob.page, "result-1440");
    for (const { errors } of [ann, bob, cat]) assert.deepEqual(errors, []);
  });
});
