/** I3: the key in use: made silently, locked by hand and by time, guessed at a growing price. */
import assert from "node:assert/strict";
import { codeAt, codeOf, createBrowser, openKeyOf } from "./vault-support.ts";

const PASSPHRASE = "correct horse battery";

describe("the key in use", function () {
  this.timeout(30_000);

  it("I3: one is made silently at first need, and is there after a reload without a question", async () => {
    const browser = createBrowser();
    const first = browser.tab();
    await first.vault.load();
    assert.equal(first.vault.state(), "none");
    assert.equal(first.vault.key(), undefined);
    const { playKey } = await first.vault.ready();
    assert.equal(first.world.asked, 0);
    first.crash();
    const reloaded = browser.tab();
    await reloaded.vault.load();
    assert.equal(openKeyOf(reloaded.vault), playKey);
    assert.equal((await reloaded.vault.ready()).playKey, playKey);
    assert.equal(reloaded.world.asked, 0);
  });

  it("I3: without a passphrase nothing locks: there would be nothing to unlock with", async () => {
    const { tab, time } = createBrowser();
    const { vault } = tab();
    await vault.ready();
    vault.lock();
    await time.pass(10 * 3_600_000);
    vault.used();
    openKeyOf(vault);
  });

  it("I3: locked, it shows its address and signs nothing; what needs it waits for the person and goes on", async () => {
    const browser = createBrowser();
    const one = browser.tab();
    const { playKey } = await one.vault.ready();
    assert.deepEqual(await one.vault.setPassphrase(undefined, PASSPHRASE), { ok: true });
    one.crash();

    const { vault, world } = browser.tab();
    await vault.load();
    assert.equal(vault.state(), "locked");
    assert.equal(vault.key()?.playKey, playKey);
    assert.equal(
      codeAt(() => vault.key()?.secret),
      "WALLET_LOCKED",
    );
    assert.equal(await codeOf(vault.ready()), "WALLET_LOCKED");
    assert.equal(world.asked, 1);
    world.answer = async () => (await vault.unlock(PASSPHRASE)).ok;
    await vault.ready();
    assert.equal(openKeyOf(vault), playKey);
  });

  it("I3: locking wipes the secret's bytes from memory", async () => {
    const { vault } = createBrowser().tab();
    await vault.ready();
    await vault.setPassphrase(undefined, PASSPHRASE);
    const bytes = vault.key()?.secret;
    assert.ok(bytes);
    assert.ok(bytes.some((byte) => byte !== 0));
    vault.lock();
    assert.ok(bytes.every((byte) => byte === 0));
    assert.equal(
      codeAt(() => vault.key()?.secret),
      "WALLET_LOCKED",
    );
  });

  it("I3: it locks by itself after the chosen time without use, and not while it is used", async () => {
    const { tab, time } = createBrowser();
    const { vault } = tab();
    await vault.ready();
    await vault.setPassphrase(undefined, PASSPHRASE);
    assert.equal(vault.autoLock(), 15);
    await time.pass(14 * 60_000);
    vault.used();
    await time.pass(14 * 60_000);
    assert.equal(vault.state(), "open");
    openKeyOf(vault); // Nobody need be there for it: auto-join signs by itself.
    await vault.ready();
    await time.pass(60_000);
    assert.equal(vault.state(), "locked");
    await vault.unlock(PASSPHRASE);
    vault.setAutoLock(5);
    await time.pass(5 * 60_000);
    assert.equal(vault.state(), "locked");
    await vault.unlock(PASSPHRASE);
    vault.setAutoLock(60);
    await time.pass(59 * 60_000);
    assert.equal(vault.state(), "open");
  });

  it("I3: while a deposit waits for its answer it does not lock; then it does", async () => {
    const { tab, time } = createBrowser();
    const { vault, world } = tab();
    await vault.ready();
    await vault.setPassphrase(undefined, PASSPHRASE);
    world.isBusy = true;
    await time.pass(20 * 60_000);
    assert.equal(vault.state(), "open");
    world.isBusy = false;
    await time.pass(10_000);
    assert.equal(vault.state(), "locked");
  });

  it("I3: after a sleep in which no timer ran the first touch finds it locked", async () => {
    const browser = createBrowser();
    let now = 1_000_000;
    browser.time.now = () => now;
    const { vault } = browser.tab();
    await vault.ready();
    await vault.setPassphrase(undefined, PASSPHRASE);
    now += 3_600_000;
    assert.equal(
      codeAt(() => vault.key()?.secret),
      "WALLET_LOCKED",
    );
    await vault.unlock(PASSPHRASE);
    now += 3_600_000;
    vault.used();
    assert.equal(vault.state(), "locked");
  });

  it("I3: wrong passphrases cost more and more time, over reloads; the right one ends that", async () => {
    const browser = createBrowser();
    const first = browser.tab();
    await first.vault.ready();
    await first.vault.setPassphrase(undefined, PASSPHRASE);
    first.vault.lock();
    for (let turn = 0; turn < 3; turn++) {
      const outcome = await first.vault.unlock("wrong passphrase");
      assert.ok(!outcome.ok && /not the passphrase/.test(outcome.message));
    }
    first.crash();
    const { vault } = browser.tab();
    await vault.load();
    let waited = 0;
    for (const seconds of [2, 4, 8, 16]) {
      const early = await vault.unlock(PASSPHRASE);
      assert.ok(!early.ok && early.message.includes(`wait another ${seconds} s`), JSON.stringify(early));
      await browser.time.pass(seconds * 1000);
      waited += seconds;
      if (seconds < 16) assert.ok(!(await vault.unlock("wrong passphrase")).ok);
    }
    assert.equal(waited, 30);
    assert.deepEqual(await vault.unlock(PASSPHRASE), { ok: true });
    vault.lock();
    assert.ok(!(await vault.unlock("wrong passphrase")).ok);
    assert.deepEqual(await vault.unlock(PASSPHRASE), { ok: true }, "it begins anew");
  });

  it("I3: a stored wait that was tampered with, or set by a clock that was wrong, ends all the same", async () => {
    const browser = createBrowser();
    const { vault } = browser.tab();
    await vault.ready();
    await vault.setPassphrase(undefined, PASSPHRASE);
    vault.lock();
    for (const text of ["x", "NaN:NaN", "3:", ":9"]) {
      browser.storage.setItem("mr:unlock-tries", text);
      assert.deepEqual(await vault.unlock(PASSPHRASE), { ok: true }, text);
      vault.lock();
    }
    browser.storage.setItem("mr:unlock-tries", `9:${Number.MAX_SAFE_INTEGER}`);
    const outcome = await vault.unlock(PASSPHRASE);
    assert.ok(!outcome.ok && outcome.message.includes("wait another 300 s"));
  });

  it("I3: a passphrase is changed and taken off with the present one only", async () => {
    const { vault } = createBrowser().tab();
    const { playKey } = await vault.ready();
    const short = await vault.setPassphrase(undefined, "short");
    assert.ok(!short.ok && short.code === "BAD_REQUEST");
    await vault.setPassphrase(undefined, PASSPHRASE);
    const wrong = await vault.setPassphrase("wrong passphrase", undefined);
    assert.ok(!wrong.ok && wrong.code === "PASSPHRASE_WRONG");
    assert.equal(vault.kept()?.hasPassphrase, true);
    assert.deepEqual(await vault.setPassphrase(PASSPHRASE, "another passphrase"), { ok: true });
    vault.lock();
    assert.ok(!(await vault.unlock(PASSPHRASE)).ok);
    assert.ok((await vault.unlock("another passphrase")).ok);
    assert.deepEqual(await vault.setPassphrase("another passphrase", undefined), { ok: true });
    vault.lock();
    assert.equal(openKeyOf(vault), playKey);
  });

  it("I3: a forgotten passphrase keeps nobody from bringing the same key back from a backup", async () => {
    const { vault } = createBrowser().tab();
    const { playKey } = await vault.ready();
    const content = await vault.reveal(undefined);
    await vault.setPassphrase(undefined, PASSPHRASE);
    vault.lock();
    await vault.replace(content);
    assert.equal(openKeyOf(vault), playKey);
    assert.equal(vault.kept()?.hasWords, true);
  });
});
