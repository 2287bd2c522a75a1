/** Coming in with a wallet's extension, in a real browser, signed and verified for real. Rules I1, I2, I3. */
import assert from "node:assert/strict";
import { encodeBase58Check } from "@meme-rounds/shared-schema/base58";
import { faucetAnswer, tokensAnswer, type User } from "@meme-rounds/shared-schema/rest";
import type { Page } from "playwright-core";
import type { PayRequest } from "../../../client/test/injected-wallets.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";
import { type Extension, type ExtensionOptions, install } from "./wallets/extension.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

describe("wallets in the page", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let browser: Browser;
  before(async () => {
    cluster = await startCluster({ roundSeconds: 60 });
    browser = await startBrowser(cluster.url);
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  async function arrive(options: ExtensionOptions, size = PHONE) {
    const { page, errors, context } = await browser.person(size);
    const extension = await install(page, options);
    await page.getByTestId("wallet-open").click();
    return { page, errors, context, extension };
  }
  /** Whoever the server says has signed in, when the press has worked. */
  async function verified(page: Page, press: () => Promise<void>): Promise<User> {
    const answer = page.waitForResponse((response) => response.url().endsWith("/api/auth/verify"));
    await press();
    const response = await answer;
    assert.equal(response.status(), 200, await response.text());
    return tokensAnswer.parse(await response.json()).user;
  }
  const signIn = async (page: Page, id: string): Promise<User> => {
    const user = await verified(page, () => page.getByTestId(`wallet-${id}`).click());
    await page.getByTestId("signer").waitFor();
    return user;
  };
  const refused = async (page: Page, code: string, words: RegExp): Promise<void> => {
    const note = page.getByTestId("error");
    await note.waitFor();
    assert.equal(await note.getAttribute("data-code"), code);
    assert.match((await note.textContent()) ?? "", words);
  };
  /** As if the extension had coins of this chain: it pays to whatever script it is told. */
  async function payFromFaucet(outputs: PayRequest): Promise<{ txid: string; tx: string }> {
    const [{ script, sats } = { script: "", sats: 0 }] = outputs;
    const keyHash = /^76a914([0-9a-f]{40})88ac$/.exec(script)?.[1];
    assert.ok(keyHash, script);
    const address = encodeBase58Check(Buffer.from(`00${keyHash}`, "hex"));
    const response = await fetch(`${cluster.url}/api/wallet/faucet`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ address, sats }),
    });
    assert.equal(response.status, 200);
    return faucetAnswer.parse(await response.json());
  }
  const isMine = (user: User, extension: Extension, account = 0): void => {
    assert.equal(user.identity, extension.identityOf(account));
    assert.equal(user.address, extension.accounts[account]?.address);
  };

  const ways: [string, ExtensionOptions][] = [
    ["OKX, ecdsa over P2WPKH", { kind: "okx", address: "p2wpkh" }],
    ["OKX, ecdsa over P2SH-P2WPKH", { kind: "okx", address: "p2shP2wpkh" }],
    ["UniSat, BIP-322 over P2TR", { kind: "unisat", address: "p2tr" }],
    ["UniSat, ecdsa over P2PKH", { kind: "unisat", address: "p2pkh" }],
    ["Phantom", { kind: "phantom" }],
    ["Yours v5, BRC-100", { kind: "yours" }],
    ["Yours before v5", { kind: "yours-legacy" }],
  ];
  for (const [name, options] of ways)
    it(`I1 ${name}: signs in, and a reload asks the wallet nothing`, async () => {
      const { page, extension, errors } = await arrive(options);
      if (options.kind === "okx" && options.address === "p2wpkh")
        await keepPicture(page, "wallets-found-390");
      isMine(await signIn(page, options.kind), extension);
      assert.equal(
        await page.getByTestId("signer").getAttribute("data-address"),
        extension.accounts[0]?.address,
      );
      await keepPicture(page, `signed-in-${options.kind}-390`);
      await page.reload();
      await page.getByTestId("wallet-open").click();
      await page.getByTestId("signer").waitFor();
      // What it may be asked without a window is which account it is on.
      const asked = (await extension.calls()).filter((call) => !/^getAccounts$|silently$/.test(call));
      assert.deepEqual(asked, []);
      assert.deepEqual(errors, []);
    });

  it("I3 the play wallet of the browser pays for somebody who came with OKX", async () => {
    const { page } = await arrive({ kind: "okx", address: "p2wpkh" }, DESK);
    await signIn(page, "okx");
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "coins from the faucet" });
    await until(
      async () => {
        await page.getByTestId("deposit-amount").fill("5000");
        await page.getByTestId("deposit").click();
        return (await satsOf(page, "in-round")) > 0;
      },
      { deadlineMs: 40_000, everyMs: 3_000, what: "the deposit in a round" },
    );
    await keepPicture(page, "okx-played-1440");
  });

  for (const kind of ["yours", "yours-legacy"] as const)
    it(`I3 ${kind}: one press fills the play wallet; declined, nothing has happened`, async () => {
      const { page, extension } = await arrive({ kind, pay: payFromFaucet });
      await signIn(page, kind);
      await page.getByTestId("top-up").waitFor();
      const press = () => page.getByTestId("top-up-pay").click();
      // Coins of value never go to a development chain.
      await press();
      await refused(page, "WALLET_NETWORK", /main/);
      await extension.set({ network: "testnet", mood: "reject", moodAt: "pay" });
      await press();
      await until(
        async () => (await page.getByTestId("error").getAttribute("data-code")) === "SIGNER_REJECTED",
        {
          what: "the refusal",
        },
      );
      await extension.set({ mood: "kind" });
      await page.getByTestId("top-up-amount-20000").click();
      await press();
      await until(async () => (await satsOf(page, "balance")) === 20_000, { what: "20,000 sat" });
      await keepPicture(page, `top-up-${kind}-390`);
    });

  it("I1 declined when connecting, declined when signing, then accepted", async () => {
    const { page, extension } = await arrive({ kind: "unisat", address: "p2wpkh" });
    const press = () => page.getByTestId("wallet-unisat").click();
    await extension.set({ mood: "reject", moodAt: "connect" });
    await press();
    await refused(page, "SIGNER_REJECTED", /declined in UniSat/);
    await keepPicture(page, "wallet-declined-390");
    await extension.set({ mood: "closed", moodAt: "sign" });
    await press();
    await until(async () => (await extension.calls()).includes("signMessage"), {
      what: "the question to sign",
    });
    await refused(page, "SIGNER_REJECTED", /window was closed/);
    await extension.set({ mood: "kind" });
    isMine(await signIn(page, "unisat"), extension);
  });

  it("I1 a locked wallet, one on another network, one that changes its account meanwhile: in words", async () => {
    const { page, extension } = await arrive({ kind: "unisat", address: "p2wpkh" });
    const press = () => page.getByTestId("wallet-unisat").click();
    await extension.set({ mood: "locked", moodAt: "connect" });
    await press();
    await refused(page, "SIGNER_LOCKED", /UniSat is locked.*Unlock it/);
    await extension.set({ mood: "kind", network: "FRACTAL_BITCOIN_MAINNET", canSwitchNetwork: false });
    await press();
    await until(
      async () => (await page.getByTestId("error").getAttribute("data-code")) === "WALLET_NETWORK",
      {
        what: "the network's sentence",
      },
    );
    await refused(page, "WALLET_NETWORK", /fractal.*Switch it to Bitcoin/);
    await extension.set({ mood: "swap", moodAt: "sign", network: "BITCOIN_MAINNET" });
    await press();
    await until(
      async () => (await page.getByTestId("error").getAttribute("data-code")) === "SIGNER_CHANGED",
      {
        what: "the account's sentence",
      },
    );
    // Whatever went wrong, there is another way in.
    await page.getByTestId("sign-in").click();
    await page.getByTestId("address").waitFor();
  });

  it("I1 a wallet that never answers is left by a press, and can be asked again", async () => {
    const { page, extension } = await arrive({ kind: "phantom" });
    await extension.set({ mood: "silent", moodAt: "sign" });
    await page.getByTestId("wallet-phantom").click();
    await page.getByTestId("wallet-waiting").waitFor();
    await keepPicture(page, "wallet-waiting-390");
    await page.getByTestId("wallet-cancel").click();
    await refused(page, "SIGNER_REJECTED", /stopped waiting for Phantom/);
    await extension.set({ mood: "kind" });
    isMine(await signIn(page, "phantom"), extension);
  });

  it("I1 an extension that starts late shows up; those that are missing say where to get them", async () => {
    const { page, extension } = await arrive({ kind: "yours", isLate: true }, DESK);
    const link = page.getByTestId("wallet-get-yours");
    await link.waitFor();
    assert.match((await link.getAttribute("href")) ?? "", /^https:\/\/yours\.org/);
    await extension.start();
    await page.getByTestId("wallet-yours").waitFor();
    assert.equal(await link.count(), 0);
    await keepPicture(page, "wallets-late-1440");
    isMine(await signIn(page, "yours"), extension);
  });

  it("I1 I2 another account in the wallet: stay, or play as the other with a play key of its own", async () => {
    const { page, extension, errors } = await arrive({ kind: "okx", address: "p2wpkh" });
    const first = await signIn(page, "okx");
    await extension.switchTo(1);
    await page.getByTestId("signer-changed").waitFor();
    assert.match((await page.getByTestId("signer-changed").textContent()) ?? "", /You still play as/);
    await keepPicture(page, "account-changed-390");
    await page.getByTestId("signer-stay").click();
    await page.getByTestId("signer-changed").waitFor({ state: "detached" });
    assert.equal(await page.getByTestId("signer").getAttribute("data-address"), first.address);

    await extension.switchTo(0);
    await extension.switchTo(1);
    const second = await verified(page, () => page.getByTestId("signer-switch").click());
    isMine(second, extension, 1);
    assert.notEqual(second.playKey, first.playKey);
    await page.locator(`[data-testid="signer"][data-address="${second.address}"]`).waitFor();

    // And back: the first account finds the play key it had.
    await extension.switchTo(0);
    const back = await verified(page, () => page.getByTestId("signer-switch").click());
    assert.equal(back.identity, first.identity);
    assert.equal(back.playKey, first.playKey);
    await page.locator(`[data-testid="signer"][data-address="${first.address}"]`).waitFor();

    await extension.leave();
    await page.getByTestId("signer-changed").waitFor();
    assert.deepEqual(errors, []);
  });

  it("I2 a session that has ended: the wallet is asked at a press, never before", async () => {
    const { page, extension } = await arrive({ kind: "yours-legacy" });
    const before = await signIn(page, "yours-legacy");
    await page.evaluate("localStorage.setItem('mr:refresh', 'ended-by-somebody-else')");
    await page.reload();
    await page
      .getByText(/Your session has ended/)
      .first()
      .waitFor();
    assert.deepEqual(await extension.calls(), []);
    await page.getByTestId("wallet-open").click();
    await keepPicture(page, "session-ended-390");
    const again = await verified(page, () => page.getByTestId("sign-in").click());
    assert.equal(again.identity, before.identity);
    assert.equal(again.playKey, before.playKey);
  });

  it("I2 the same wallet on a second device, and the browser's own key after it", async () => {
    const one = await arrive({ kind: "phantom" });
    const first = await signIn(one.page, "phantom");
    const two = await arrive({ kind: "phantom", secrets: one.extension.secrets }, DESK);
    const second = await signIn(two.page, "phantom");
    assert.equal(second.identity, first.identity);
    assert.notEqual(second.playKey, first.playKey);

    await two.page.getByTestId("sign-out").click();
    const own = await verified(two.page, () => two.page.getByTestId("sign-in-own").click());
    assert.equal(own.wallet, "manual");
    assert.notEqual(own.playKey, second.playKey);
  });

  it("I1 I2 the browser's own key first, then a wallet: each keeps its play key", async () => {
    const { page, extension } = await arrive({ kind: "okx", address: "p2wpkh" });
    const own = await verified(page, () => page.getByTestId("wallet-create").click());
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "coins from the faucet" });
    await page.getByTestId("sign-out").click();
    const other = await signIn(page, "okx");
    isMine(other, extension);
    assert.notEqual(other.playKey, own.playKey);
    // The coins are not gone, and the page says where they are.
    await page
      .getByText(/stay sealed in this browser/)
      .first()
      .waitFor();
    await page.getByTestId("sign-out").click();
    const back = await verified(page, () => page.getByTestId("sign-in-own").click());
    assert.equal(back.playKey, own.playKey);
    await until(async () => (await satsOf(page, "balance")) > 0, { what: "the same coins" });
  });

  it("I1 wallets whose code does not load: a sentence in their place, and the browser's own key works", async () => {
    const { page, context } = await browser.person(PHONE);
    await context.route(/\/assets\/(?:wallets|catalog)-[^/]*\.js$/, (route) => route.abort());
    await page.getByTestId("wallet-open").click();
    await page.getByText(/did not load. Reload the page/).waitFor();
    const own = await verified(page, () => page.getByTestId("wallet-create").click());
    assert.equal(own.wallet, "manual");
  });
});
