/** Consent, limits and one's own data in a real browser (I6). */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { exportAnswer } from "@meme-rounds/shared-schema/rest-me";
import type { Page } from "playwright-core";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

describe("consent and limits in the page", function () {
  this.timeout(240_000);
  let cluster: Cluster;
  let browser: Browser;
  before(async () => {
    cluster = await startCluster({ roundSeconds: 120 });
    browser = await startBrowser(cluster.url);
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const arrive = async (page: Page): Promise<void> => {
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("address").waitFor();
  };
  const kept = (page: Page): Promise<string | null> => page.evaluate("localStorage.getItem('mr:terms')");
  const open = async (page: Page, fold: string): Promise<void> => {
    await page.getByTestId(fold).locator("summary").click();
  };

  it("I6: watching asks nothing; the button that signs in says what it accepts, with the words one press away", async () => {
    const { page, context, errors } = await browser.person(PHONE);
    assert.equal(await page.getByTestId("consent-note").count(), 0);
    await page.getByTestId("wallet-open").click();
    const note = page.getByTestId("consent-note");
    assert.match((await note.textContent()) ?? "", /18 or older, and accept the terms and the privacy page/);
    assert.equal(await kept(page), null);
    await keepPicture(page, "consent-390");
    const [words] = await Promise.all([
      context.waitForEvent("page"),
      note.getByRole("link", { name: "terms" }).click(),
    ]);
    await words.getByTestId("terms-page").getByText("You are 18 or older").waitFor();
    await words.setViewportSize(PHONE);
    await keepPicture(words, "terms-390");
    await words.close();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("address").waitFor();
    assert.equal(await kept(page), "1");
    assert.deepEqual(errors, []);
  });

  it("I6: terms and privacy are pages of their own, readable on a phone and a desk", async () => {
    for (const size of [PHONE, DESK]) {
      const { page, errors } = await browser.person(size);
      await page.goto(`${cluster.url}/privacy`);
      await page.getByTestId("privacy-page").waitFor();
      assert.ok((await page.locator("table").count()) >= 4);
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.ok(Number(overflow) <= 0, `the page is ${overflow} px too wide`);
      await keepPicture(page, `privacy-${size.width}`);
      assert.deepEqual(errors, []);
    }
  });

  it("I6: a limit set in the wallet stops the deposit beyond it, in words", async () => {
    const { page, errors } = await browser.person(PHONE);
    await arrive(page);
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "coins" });
    await open(page, "wallet-limits");
    await page.getByTestId("limit-deposit").fill("12000");
    await page.getByTestId("limit-save").click();
    await page.getByTestId("limit-now").getByText("12,000 sat in 24 hours").waitFor();
    await page.getByTestId("limit-deposit").fill("50000");
    await page.getByTestId("limit-save").click();
    await page.getByTestId("limit-next").getByText("50,000").waitFor();
    await page.getByTestId("wallet-limits").scrollIntoViewIfNeeded();
    await keepPicture(page, "limits-390");

    await page.getByTestId("deposit-amount").fill("20000");
    await page.getByTestId("deposit").click();
    const note = page.getByTestId("wallet-sheet").getByTestId("error").first();
    await note.waitFor();
    assert.equal(await note.getAttribute("data-code"), "PLAY_LIMIT_REACHED");
    assert.match((await note.textContent()) ?? "", /12000 sat in 24 hours; 12000 sat of it are left/);
    await keepPicture(page, "limit-reached-390");
    assert.deepEqual(errors, []);
  });

  it("I6: a break takes two presses, and says until when", async () => {
    const { page } = await browser.person(DESK);
    await arrive(page);
    await open(page, "wallet-limits");
    await page.getByTestId("break-24").click();
    await page.getByTestId("break-confirm").click();
    await page.getByTestId("break-now").getByText("Your break lasts until").waitFor();
    await page.getByTestId("exclusion-ask").click();
    await page.getByTestId("exclusion-confirm").waitFor();
    await page.getByTestId("exclusion-confirm").scrollIntoViewIfNeeded();
    await keepPicture(page, "exclusion-1440");
    await page.getByTestId("exclusion-confirm").click();
    await page.getByTestId("exclusion-now").getByText("excluded yourself until").waitFor();
    // The room does not let them in any more: they watch, and are told why once.
    await page.reload();
    await page.getByText("You have excluded yourself from playing").first().waitFor();
    await page.getByText("Live").first().waitFor();
    await keepPicture(page, "excluded-1440");
  });

  it("I6: new terms wait in the wallet of who is signed in, and one press accepts them", async () => {
    const { page } = await browser.person(PHONE);
    await arrive(page);
    // The server of this test has the first terms: what it says of the person is made older on the way.
    await page.route("**/api/auth/refresh", async (route) => {
      const answer = await route.fetch();
      const body = (await answer.json()) as { user: { terms: unknown } };
      body.user.terms = { version: 1, accepted: 0 };
      await route.fulfill({ response: answer, json: body });
    });
    await page.reload();
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("terms-due").waitFor();
    await keepPicture(page, "terms-due-390");
    await page.getByTestId("terms-accept").click();
    await page.getByTestId("terms-due").waitFor({ state: "detached" });
  });

  it("I6: one's data are a file; deleted, one is signed out and told what stays; the coins stay in the browser", async () => {
    const { page, errors } = await browser.person(PHONE);
    await arrive(page);
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "coins" });
    const sats = await satsOf(page, "balance");
    await open(page, "wallet-data");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByTestId("data-download").click(),
    ]);
    assert.equal(file.suggestedFilename(), "meme-rounds-my-data.json");
    const told = exportAnswer.parse(JSON.parse(await readFile(await file.path(), "utf8")));
    assert.ok(Object.hasOwn(told.parts, "consents"));
    await page.getByTestId("data-delete").click();
    await page.getByTestId("data-delete-confirm").scrollIntoViewIfNeeded();
    await keepPicture(page, "data-delete-390");
    await page.getByTestId("data-delete-confirm").click();
    await page
      .getByText(/Your data are deleted.*blockchain/)
      .first()
      .waitFor();
    await page.getByTestId("sign-in").waitFor();
    await keepPicture(page, "data-deleted-390");
    await page.reload();
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("sign-in").click();
    await until(async () => (await satsOf(page, "balance")) === sats, { what: "the same coins" });
    assert.deepEqual(errors, []);
  });
});
