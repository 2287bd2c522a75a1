/** The play wallet's money in a real browser: withdrawing, asking for an amount, playing every round by itself. I3. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const FAUCET = 100_000;

describe("the wallet in the page", function () {
  this.timeout(240_000);
  let cluster: Cluster;
  let browser: Browser;
  before(async () => {
    cluster = await startCluster({ roundSeconds: 30 });
    browser = await startBrowser(cluster.url);
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  /** One press makes a key and signs in. Answers with the address. */
  async function arrive(page: Page): Promise<string> {
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    return (await page.getByTestId("address").textContent()) ?? "";
  }
  const fill = async (page: Page): Promise<void> => {
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) === FAUCET, { what: "coins from the faucet" });
  };
  const figure = async (page: Page, id: string): Promise<number> =>
    Number(((await page.getByTestId(id).textContent()) ?? "").replaceAll(/\D/g, ""));

  it("I3: withdraws to another wallet: refusals in words, the fee before the press, the history after", async () => {
    const ann = await browser.person(PHONE);
    const bob = await browser.person(DESK);
    await arrive(ann.page);
    await fill(ann.page);
    const to = await arrive(bob.page);
    const { page } = ann;
    await page.getByTestId("withdraw").locator("summary").click();

    const refuse = async (address: string, amount: string, code: string, words: RegExp) => {
      await page.getByTestId("withdraw-address").fill(address);
      await page.getByTestId("withdraw-amount").fill(amount);
      await page.getByTestId("withdraw-review").click();
      const note = page.getByTestId("withdraw").getByTestId("error");
      await note.waitFor();
      assert.equal(await note.getAttribute("data-code"), code);
      assert.match((await note.textContent()) ?? "", words);
    };
    await refuse(`${to.slice(0, -2)}zz`, "5000", "ADDRESS_WRONG", /no address/);
    await refuse(to, String(FAUCET), "BALANCE_LOW", /not enough/);
    await keepPicture(page, "withdraw-refused-390");

    await page.getByTestId("withdraw-amount").fill("40000");
    await page.getByTestId("withdraw-review").click();
    const fee = await figure(page, "withdraw-fee");
    assert.ok(fee > 0 && fee < 500, String(fee));
    assert.equal(await figure(page, "withdraw-arrives"), 40_000);
    await keepPicture(page, "withdraw-review-390");
    await page.getByTestId("withdraw-send").click();
    await until(async () => (await satsOf(page, "balance")) === FAUCET - 40_000 - fee, {
      what: "the balance after a withdrawal",
    });
    await page.getByTestId("wallet-history").locator("summary").click();
    await page.getByTestId("history-withdrawal").waitFor();
    await keepPicture(page, "wallet-history-390");

    await bob.page.reload();
    await until(async () => (await satsOf(bob.page, "balance")) === 40_000, {
      deadlineMs: 30_000,
      what: "the coins in the other wallet",
    });

    // All of it, and the wallet is empty.
    await page.getByTestId("withdraw-address").fill(to);
    await page.getByTestId("withdraw-max").click();
    await page.getByTestId("withdraw-review").click();
    const all = (await figure(page, "withdraw-arrives")) + (await figure(page, "withdraw-fee"));
    assert.equal(all, FAUCET - 40_000 - fee);
    await page.getByTestId("withdraw-send").click();
    await until(async () => (await satsOf(page, "balance")) === 0, { what: "an empty wallet" });
    assert.deepEqual([...ann.errors, ...bob.errors], []);
  });

  it("I3: the code to scan holds the amount that is asked for", async () => {
    const { page } = await browser.person(DESK);
    const address = await arrive(page);
    const code = page.getByTestId("receive-qr");
    assert.equal(await code.getAttribute("data-text"), address);
    await page.getByTestId("receive-amount").fill("123456789");
    await until(
      async () => (await code.getAttribute("data-text")) === `bitcoin:${address}?sv&amount=1.23456789`,
      { what: "the amount in the code" },
    );
    await keepPicture(page, "receive-1440");
  });

  it("I3: auto-join plays round after round, also after a reload, until it is switched off", async () => {
    const { page, errors } = await browser.person(DESK);
    await arrive(page);
    await fill(page);
    await page.getByTestId("auto-join").locator("summary").click();
    await page.getByTestId("auto-join-depositSats").fill("60000");
    await page.getByTestId("auto-join-on").click();
    await page.getByTestId("auto-join").getByTestId("error").waitFor();
    await page.getByTestId("auto-join-depositSats").fill("5000");
    await page.getByTestId("auto-join-on").click();
    const joined = () =>
      until(async () => (await satsOf(page, "in-round")) > 0, {
        deadlineMs: 60_000,
        what: "a deposit that nobody pressed for",
      });
    await joined();
    await page.getByTestId("auto-join").scrollIntoViewIfNeeded();
    await keepPicture(page, "auto-join-1440");
    await page.reload();
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-history").locator("summary").click();
    await until(async () => (await page.getByTestId("history-deposit").count()) === 2, {
      deadlineMs: 60_000,
      what: "a deposit in the next round",
    });
    const rounds = await page
      .getByTestId("history-deposit")
      .locator("a")
      .evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    assert.equal(new Set(rounds).size, 2, "one deposit a round");
    await page.getByTestId("auto-join").locator("summary").click();
    await page.getByTestId("auto-join-off").click();
    await page.getByTestId("auto-join-on").waitFor();
    assert.deepEqual(errors, []);
  });
});
