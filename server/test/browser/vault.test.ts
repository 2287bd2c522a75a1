/**
 * The play wallet's key in a real browser (I3): words, sealed file, passphrase, two tabs, and a disk that fails.
 * The rules behind it are tested in client/test/{keystore,vault,vault-actions,tab-lock,mnemonic,backup-file}.test.ts.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const PASSPHRASE = "correct horse battery";

/** Scripts for the page: from here on a write throws, or its transaction is given up. */
const FAULTS = {
  quota: `IDBObjectStore.prototype.put = () => { throw new DOMException("no room", "QuotaExceededError"); };`,
  abort: `{
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...args) {
      const request = put.apply(this, args);
      this.transaction.abort();
      return request;
    };
  }`,
};

describe("the wallet's key in a browser", function () {
  this.timeout(180_000);
  let cluster: Cluster;
  let browser: Browser;
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "vault-"));
    cluster = await startCluster({ roundSeconds: 600 });
    browser = await startBrowser(cluster.url);
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const openWallet = async (page: Page): Promise<void> => {
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-sheet").waitFor();
  };
  const close = (page: Page): Promise<void> => page.keyboard.press("Escape");
  const addressOf = async (page: Page): Promise<string> =>
    (await page.getByTestId("address").textContent()) ?? "";

  /** One press makes a key and signs in; then coins from the faucet. The wallet stays open. */
  async function arrive(page: Page): Promise<string> {
    await openWallet(page);
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "coins from the faucet" });
    return await addressOf(page);
  }
  async function deposit(page: Page, sats: number): Promise<void> {
    await page.getByTestId("deposit-amount").fill(String(sats));
    await page.getByTestId("deposit").click();
  }
  const inRound = (page: Page, sats: number) =>
    until(async () => (await satsOf(page, "in-round")) >= sats, { what: `${sats} sat in the round` });
  async function setPassphrase(page: Page): Promise<void> {
    await page.getByTestId("lock-form").locator("summary").click();
    await page.getByTestId("passphrase-next").fill(PASSPHRASE);
    await page.getByTestId("passphrase-again").fill(PASSPHRASE);
    await page.getByTestId("passphrase-set").click();
  }
  async function wordsOf(page: Page): Promise<string[]> {
    await page.getByTestId("backup-words").click();
    await page.getByTestId("reveal").click();
    const words = page.getByTestId("words").locator("li span:nth-child(2)");
    await words.nth(11).waitFor();
    return await words.allTextContents();
  }
  async function openRestore(page: Page): Promise<void> {
    await openWallet(page);
    await page.getByTestId("restore").locator("summary").click();
  }
  const signedInAs = (page: Page, address: string) =>
    until(
      async () => (await page.getByTestId("address").count()) > 0 && (await addressOf(page)) === address,
      {
        what: `the wallet ${address}`,
      },
    );

  it("I3: after the first deposit it reminds of a backup, until the words are written down and checked", async () => {
    const { page, errors } = await browser.person(PHONE);
    await arrive(page);
    assert.equal(await page.getByTestId("remind").count(), 0, "not before there is something to lose");
    await deposit(page, 5_000);
    await inRound(page, 4_000);
    await close(page);
    await page.getByTestId("remind").waitFor();
    await keepPicture(page, "vault-remind-390");
    await page.getByTestId("remind-later").click();
    await page.getByTestId("remind").waitFor({ state: "detached" });

    await openWallet(page);
    const words = await wordsOf(page);
    assert.equal(words.length, 12);
    await page.getByTestId("words").scrollIntoViewIfNeeded();
    await keepPicture(page, "vault-words-390");
    await page.getByTestId("words-written").click();
    for (const place of [0, 1]) await page.getByTestId(`word-check-${place}`).fill("zebrra");
    await page.getByTestId("word-check").click();
    await page.getByRole("alert").filter({ hasText: "is another one" }).waitFor();
    await keepPicture(page, "vault-check-390");
    for (const place of [0, 1]) {
      const field = page.getByTestId(`word-check-${place}`);
      await field.fill(words[Number(await field.getAttribute("data-word")) - 1] ?? "");
    }
    await page.getByTestId("word-check").click();
    await page.locator('[data-testid="backup-state"][data-done="true"]').waitFor();
    assert.deepEqual(errors, []);
  });

  it("I3: words and sealed file bring the wallet back in another browser; the one there is put aside", async () => {
    const ann = await browser.person(DESK);
    const address = await arrive(ann.page);
    const balance = await satsOf(ann.page, "balance");
    const words = await wordsOf(ann.page);
    await ann.page.getByTestId("backup-file").click();
    await ann.page.getByTestId("file-passphrase").fill(PASSPHRASE);
    await ann.page.getByTestId("file-passphrase-again").fill(PASSPHRASE);
    await ann.page.getByTestId("file-passphrase").scrollIntoViewIfNeeded();
    await keepPicture(ann.page, "vault-file-1440");
    const [download] = await Promise.all([
      ann.page.waitForEvent("download"),
      ann.page.getByTestId("file-save").click(),
    ]);
    const file = join(dir, download.suggestedFilename());
    await download.saveAs(file);
    assert.match(await readFile(file, "utf8"), /"sealed"/);

    const bob = await browser.person(DESK);
    const own = await arrive(bob.page);
    await close(bob.page);
    await openRestore(bob.page);
    await bob.page.getByTestId("restore-file").setInputFiles(file);
    await bob.page.getByTestId("restore-warning").waitFor();
    await bob.page.getByTestId("restore-passphrase").fill("wrong horse battery");
    await bob.page.getByTestId("restore-submit").click();
    await bob.page.locator('[data-testid="error"][data-code="PASSPHRASE_WRONG"]').waitFor();
    await keepPicture(bob.page, "vault-restore-1440");
    await bob.page.getByTestId("restore-passphrase").fill(PASSPHRASE);
    await bob.page.getByTestId("restore-submit").click();
    await signedInAs(bob.page, address);
    await until(async () => (await satsOf(bob.page, "balance")) === balance, { what: "its coins" });
    // Signed out and in again with it: until then the wallet is redrawn.
    await bob.page.getByText("Your key is back.").waitFor();
    await bob.page.getByTestId("restore").locator("summary").click();
    await bob.page.getByTestId("former").click();
    await signedInAs(bob.page, own);

    const cat = await browser.person(PHONE);
    await openRestore(cat.page);
    const typed = cat.page.getByTestId("restore-text");
    await typed.fill(words.with(3, "zebrra").join(" "));
    await cat.page.getByTestId("restore-submit").click();
    await cat.page.locator('[data-testid="error"][data-code="BACKUP_UNREADABLE"]').waitFor();
    await keepPicture(cat.page, "vault-restore-390");
    await typed.fill(` ${words.join("  ").toUpperCase()} `);
    await cat.page.getByTestId("restore-submit").click();
    await signedInAs(cat.page, address);
    await until(async () => (await satsOf(cat.page, "balance")) === balance, { what: "its coins" });
    for (const { errors } of [ann, bob, cat]) assert.deepEqual(errors, []);
  });

  it("I3: under a passphrase a reload shows everything and asks when it signs; then the deposit goes on", async () => {
    const { page, errors } = await browser.person(DESK);
    const address = await arrive(page);
    await setPassphrase(page);
    await page.locator('[data-testid="lock-state"][data-state="open"]').waitFor();
    await page.getByTestId("lock-state").scrollIntoViewIfNeeded();
    await keepPicture(page, "vault-lock-1440");

    await page.reload();
    await openWallet(page);
    await signedInAs(page, address);
    await page.locator('[data-testid="lock-state"][data-state="locked"]').waitFor();
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "the balance of a locked wallet" });
    await deposit(page, 5_000);
    await page.getByTestId("unlock-passphrase").fill("wrong horse battery");
    await page.getByTestId("unlock").click();
    await page.locator('[data-testid="error"][data-code="PASSPHRASE_WRONG"]').waitFor();
    await keepPicture(page, "vault-unlock-1440");
    await page.getByTestId("unlock-passphrase").fill(PASSPHRASE);
    await page.getByTestId("unlock").click();
    await inRound(page, 4_000);

    await page.getByTestId("backup-key").click();
    await page.getByTestId("reveal-passphrase").fill(PASSPHRASE);
    await page.getByTestId("reveal").click();
    await page.getByTestId("backup-wif").waitFor();
    await page.getByTestId("lock-now").click();
    await page.locator('[data-testid="lock-state"][data-state="locked"]').waitFor();
    await page.getByTestId("backup-wif").waitFor({ state: "detached" });
    await deposit(page, 6_000);
    await page.getByTestId("unlock-passphrase").waitFor();
    await close(page); // Declined: said in words, and nothing was spent.
    await page.locator('[data-testid="error"][data-code="WALLET_LOCKED"]').first().waitFor();
    assert.ok((await satsOf(page, "in-round")) < 6_000);
    assert.deepEqual(errors, []);
  });

  it("I3: of two tabs one plays; the other watches, takes over, and goes on by itself when the first is gone", async () => {
    const { page: first, context, errors } = await browser.person(DESK);
    await arrive(first);
    await deposit(first, 5_000);
    await inRound(first, 4_000);
    await close(first);

    const second = await context.newPage();
    second.on("pageerror", (error) => errors.push(error.message));
    await second.goto(cluster.url);
    await second.getByTestId("elsewhere").waitFor();
    await until(async () => (await second.getByTestId("phase").count()) > 0, { what: "the round to watch" });
    await keepPicture(second, "vault-elsewhere-1440");
    await openWallet(second);
    await until(async () => (await satsOf(second, "balance")) > 0, { what: "the balance in the second tab" });
    await deposit(second, 6_000);
    await second.getByTestId("take-over").waitFor();
    await keepPicture(second, "vault-take-over-1440");
    await second.getByTestId("take-over").click();
    await inRound(second, 10_000);
    await first.getByTestId("elsewhere").waitFor();
    await second.close();
    await first.getByTestId("elsewhere").waitFor({ state: "detached" });
    await inRound(first, 10_000);
    assert.deepEqual(errors, []);
  });

  it("I3: a browser whose disk is full or gives up loses no key", async () => {
    const { page } = await browser.person(DESK);
    const address = await arrive(page);
    for (const fault of ["quota", "abort"] as const) {
      await page.evaluate(FAULTS[fault]);
      await setPassphrase(page);
      await page.getByTestId("lock-form").locator('[data-code="KEY_NOT_KEPT"]').waitFor();
      await page.reload();
      await openWallet(page);
      await signedInAs(page, address);
      assert.equal(await page.getByTestId("lock-state").count(), 0, "no passphrase was set");
    }
    // In one piece: what it signs is taken.
    await deposit(page, 5_000);
    await inRound(page, 4_000);
  });
});
