/** I3: of all tabs of a browser one signs with the wallet's key. */
import assert from "node:assert/strict";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { until } from "../../server/test/support/wait.ts";
import type { Vault } from "../src/wallet/vault.ts";
import { settle } from "./support.ts";
import { codeAt, codeOf, createBrowser, openKeyOf } from "./vault-support.ts";

const PASSPHRASE = "correct horse battery";
const other = { secret: new Uint8Array(32).fill(9) };

/** Crypto takes real time, of which a test's clock knows nothing. */
const whenOpen = (...vaults: Vault[]): Promise<boolean> =>
  until(async () => vaults.some((vault) => vault.state() === "open"), { what: "an open wallet" });

describe("one tab plays", function () {
  this.timeout(30_000);

  it("I3: the second tab knows the key and signs nothing; it waits, and plays when the first is gone", async () => {
    const browser = createBrowser();
    const [first, second] = [browser.tab(), browser.tab()];
    const { playKey } = await first.vault.ready();
    await second.vault.load();
    assert.equal(second.vault.state(), "elsewhere");
    assert.equal(second.vault.key()?.playKey, playKey);
    assert.equal(
      codeAt(() => second.vault.key()?.secret),
      "WALLET_ELSEWHERE",
    );
    assert.equal(await codeOf(second.vault.ready()), "WALLET_ELSEWHERE");
    assert.equal(second.world.asked, 1);
    first.crash();
    await whenOpen(second.vault);
    assert.equal(openKeyOf(second.vault), playKey);
  });

  it("I3: taking over stops the other tab at once, in the middle of whatever it does; it can take back", async () => {
    const browser = createBrowser();
    const [first, second] = [browser.tab(), browser.tab()];
    await first.vault.ready();
    const key = await first.vault.ready();
    await second.vault.load();
    second.world.answer = async () => {
      await second.vault.takeOver();
      return true;
    };
    await second.vault.ready();
    openKeyOf(second.vault);
    assert.equal(first.vault.state(), "elsewhere");
    assert.equal(
      codeAt(() => key.secret),
      "WALLET_ELSEWHERE",
    );
    for (const [to, from] of [
      [first, second],
      [second, first],
      [first, second],
    ] as const) {
      await to.vault.takeOver();
      assert.equal(to.vault.state(), "open");
      assert.equal(from.vault.state(), "elsewhere");
    }
    first.crash();
    await whenOpen(second.vault);
  });

  it("I3: of three tabs one plays, whoever comes and goes", async () => {
    const browser = createBrowser();
    const tabs = [browser.tab(), browser.tab(), browser.tab()] as const;
    await tabs[0].vault.ready();
    for (const { vault } of tabs) await vault.load();
    const open = () => tabs.filter(({ vault }) => vault.state() === "open").length;
    assert.equal(open(), 1);
    await tabs[1].vault.takeOver();
    assert.equal(open(), 1);
    await tabs[2].vault.takeOver();
    await tabs[1].vault.takeOver();
    assert.equal(open(), 1);
    tabs[1].crash();
    await settle();
    await whenOpen(tabs[0].vault, tabs[2].vault);
    assert.equal(tabs.filter(({ vault }, at) => at !== 1 && vault.state() === "open").length, 1);
  });

  it("I3: a tab that takes over asks for the passphrase itself; nothing passes between tabs", async () => {
    const browser = createBrowser();
    const [first, second] = [browser.tab(), browser.tab()];
    await first.vault.ready();
    await second.vault.load();
    await first.vault.setPassphrase(undefined, PASSPHRASE);
    await second.vault.takeOver();
    assert.equal(second.vault.state(), "locked");
    assert.equal(second.vault.kept()?.hasPassphrase, true, "it was set in the other tab meanwhile");
    assert.ok((await second.vault.unlock(PASSPHRASE)).ok);
  });

  it("I3: a tab that finds another key than it knew says so; the tab without the lock changes none", async () => {
    const browser = createBrowser();
    const [first, second] = [browser.tab(), browser.tab()];
    await first.vault.ready();
    await second.vault.load();
    assert.equal(await codeOf(second.vault.replace(other)), "WALLET_ELSEWHERE");
    assert.equal(await codeOf(second.vault.renew()), "WALLET_ELSEWHERE");
    assert.equal(await codeOf(second.vault.bringBack("x")), "WALLET_ELSEWHERE");
    const outcome = await second.vault.setPassphrase(undefined, PASSPHRASE);
    assert.ok(!outcome.ok && outcome.code === "WALLET_ELSEWHERE");
    await first.vault.replace(other);
    assert.equal(first.world.otherKeys, 0);
    await second.vault.takeOver();
    assert.equal(second.world.otherKeys, 1);
    assert.equal(openKeyOf(second.vault), publicKeyOf(other.secret));
  });

  it("I3: a browser without the Locks API plays all the same", async () => {
    const { vault } = createBrowser({ locks: false }).tab();
    await vault.ready();
    openKeyOf(vault);
  });
});
