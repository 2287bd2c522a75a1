/** M10 in a real browser: the page fetches a finished round from a chain API and shows each check. */
import assert from "node:assert/strict";
import { ed25519PublicKey, signCompact, signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { acceptedBytes, headBytes } from "@meme-rounds/shared-schema/receipt";
import { verdictOf, verifyRound } from "@meme-rounds/shared-schema/verify-round";
import { gatherRound } from "@meme-rounds/shared-schema/verify-round-gather";
import type { Page } from "playwright-core";
import { type Proven, proven } from "../../../shared-schema/test/support/proven.ts";
import type { Actor } from "../../../shared-schema/test/support/round.ts";
import { createVerifier } from "../../src/infra/ecdsa.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, startBrowser } from "./page.ts";
import { type ProvenSite, serveProven } from "./proven-site.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const SEED = new Uint8Array(32).fill(5);
const SHAPE = { players: 8, memes: 4, boosts: 2, carryIn: 5_000, receiptKey: ed25519PublicKey(SEED) };

describe("the page verifies a round", function () {
  this.timeout(120_000);
  let round: Proven;
  let site: ProvenSite;
  let browser: Browser;
  before(async () => {
    round = await proven(SHAPE);
    site = await serveProven(round);
    browser = await startBrowser(site.url);
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  const verdictShown = async (page: Page): Promise<string> => {
    const banner = page.getByTestId("verdict");
    await until(async () => ((await banner.getAttribute("data-verdict")) ?? "") !== "", {
      deadlineMs: 60_000,
      what: "a verdict",
    });
    return (await banner.getAttribute("data-verdict")) ?? "";
  };
  const standings = async (page: Page): Promise<Record<string, string>> => {
    const rows = await page.getByTestId("check").all();
    const pairs = rows.map(
      async (row): Promise<[string, string]> => [
        (await row.getAttribute("data-id")) ?? "",
        (await row.getAttribute("data-standing")) ?? "",
      ],
    );
    return Object.fromEntries(await Promise.all(pairs));
  };
  /** Nothing of the page is wider than the window. */
  const fits = async (page: Page): Promise<boolean> =>
    await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth");
  const address = () => `${site.url}/rounds/${round.roundId}/verify`;

  it("M10: a deep link shows an honest round green, on a desk and on a phone", async () => {
    for (const [size, name] of [
      [DESK, "verify-1440"],
      [PHONE, "verify-390"],
    ] as const) {
      const { page, context, errors } = await browser.person(size);
      await page.goto(address());
      assert.equal(await verdictShown(page), "green");
      const rows = await standings(page);
      const { heads, receipts, ...rest } = rows;
      assert.deepEqual([heads, receipts], ["none", "none"]);
      assert.deepEqual(new Set(Object.values(rest)), new Set(["green"]));
      assert.equal(Object.keys(rows).length, 12);
      assert.ok(await fits(page), "the page is wider than the window");
      await keepPicture(page, name);
      const more = page.getByText("How this was checked").last();
      await more.focus();
      await page.keyboard.press("Enter");
      assert.ok(await page.getByText(/5000 sat from main-1/).isVisible());
      assert.ok(await fits(page), "the details are wider than the window");
      assert.deepEqual(errors, []);
      await context.close();
    }
  });

  it("M10: a missing link, a tampered payout: the right row is red, with its reason", async () => {
    const { page, context } = await browser.person(DESK);
    site.proof = {};
    await page.goto(address());
    assert.equal(await verdictShown(page), "red");
    const { link, ...others } = await standings(page);
    assert.equal(link, "red");
    assert.deepEqual(new Set(Object.values(others)), new Set(["open"]));
    await keepPicture(page, "verify-red-1440");
    const lying = await proven({
      ...SHAPE,
      journal: (entries) => entries,
      depositSats: 19_999,
    });
    const other = await serveProven(lying);
    await page.goto(`${other.url}/rounds/${lying.roundId}/verify`);
    assert.equal(await verdictShown(page), "red");
    assert.equal((await standings(page)).deposits, "red");
    assert.ok(await page.getByText(/is not a coin of 20000 sat in this round's lock/).isVisible());
    await other.close();
    await context.close();
    site.proof = { link: { txid: round.link } };
  });

  it("R9 M4: receipts and heads that this browser kept are rows of their own, red when the journal breaks them", async () => {
    const { page, context } = await browser.person(DESK);
    const { roundTag } = round.round.state;
    const entry = round.entries[10];
    assert.ok(entry);
    const { seq, at } = entry.record;
    const receipt = (hash: string) => ({
      ref: hash.slice(0, 8),
      seq,
      at,
      hash,
      sig: signEd25519(acceptedBytes(roundTag, seq, at, hash), SEED),
    });
    const head = { seq, hash: entry.hash, auditorTime: at + 500 };
    const sig = signEd25519(headBytes(roundTag, head.seq, head.hash, head.auditorTime), SEED);
    const keep = async (name: string, value: string): Promise<void> => {
      await page.evaluate(`localStorage.setItem(${JSON.stringify(name)}, ${JSON.stringify(value)})`);
    };
    await keep(`mr:heads:${round.roundId}`, JSON.stringify([{ ...head, sig }]));
    await keep(`mr:headkey:${round.roundId}`, ed25519PublicKey(SEED));
    await keep(`mr:receipts:${round.roundId}`, JSON.stringify([receipt(entry.hash)]));
    await page.goto(address());
    assert.equal(await verdictShown(page), "green");
    const rows = await standings(page);
    assert.deepEqual([rows.heads, rows.receipts], ["green", "green"]);
    await keep(
      `mr:receipts:${round.roundId}`,
      JSON.stringify([receipt(entry.hash), receipt("ab".repeat(32))]),
    );
    await page.getByTestId("verify-again").click();
    await until(async () => (await standings(page)).receipts === "red", {
      deadlineMs: 30_000,
      what: "a red row for the receipt",
    });
    await context.close();
  });

  it("M10: a chain API that is away is said so, and can be tried again", async () => {
    const { page, context } = await browser.person(PHONE);
    await page.goto(address());
    await verdictShown(page);
    await page.route("**/v1/bsv/**", (route) => route.abort());
    await page.getByTestId("verify-again").click();
    await until(async () => (await page.getByTestId("verdict").getAttribute("data-verdict")) === "failed", {
      deadlineMs: 60_000,
      what: "words about the chain API",
    });
    assert.ok(await page.getByText(/chain API .* cannot be reached/).isVisible());
    await context.close();
  });

  // VERIFY_PLAYERS=10000: how long a large round takes, in this process and in the browser.
  const players = Number(process.env.VERIFY_PLAYERS ?? 0);
  if (players > 0)
    it(`M10: a round of ${players} players, measured`, async function () {
      this.timeout(900_000);
      const sign = (bytes: Uint8Array, who: Actor) => signCompact(bytes, who.secret);
      const large = await proven({
        players,
        memes: Math.min(200, players),
        boosts: 3,
        carryIn: 5_000,
        signer: { sign, verify: () => true },
      });
      const options = {
        network: "devchain",
        target: large.roundId,
        hints: { linkTxid: large.link },
        depth: 30,
      } as const;
      const start = performance.now();
      const evidence = await gatherRound(options, { chain: large.chain });
      const gathered = performance.now();
      const checks = [...verifyRound(evidence, { verify: createVerifier() })];
      const seconds = [gathered - start, performance.now() - gathered].map((ms) => (ms / 1000).toFixed(1));
      assert.equal(verdictOf(checks), "green");
      const other = await serveProven(large);
      const { page, context } = await browser.person(DESK);
      await page.goto(`${other.url}/rounds/${large.roundId}/verify`);
      const banner = page.getByTestId("verdict");
      await until(async () => (await banner.getAttribute("data-verdict")) === "green", {
        deadlineMs: 300_000,
        what: "green",
      });
      const [fetched, checked] = [
        await banner.getAttribute("data-fetch-seconds"),
        await banner.getAttribute("data-verify-seconds"),
      ].map(Number);
      console.log(
        `${large.entries.length} records, ${large.settlement.length} transactions; here: fetched ${seconds[0]} s, ` +
          `checked ${seconds[1]} s; Chromium: fetched ${fetched?.toFixed(1)} s, checked ${checked?.toFixed(1)} s, ` +
          `${other.asked()} requests`,
      );
      await keepPicture(page, "verify-large-1440");
      await context.close();
      await other.close();
    });
});
