/** I3: what a person does with the key, without a screen: reminders, words, file, bringing back, being asked. */
import assert from "node:assert/strict";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { toWif } from "@meme-rounds/shared-schema/wif";
import type { Outcome } from "../src/app/model.ts";
import { createVaultPart, type VaultPart } from "../src/app/vault.ts";
import { createBook, type KeptDeposit, type WalletBook } from "../src/wallet/book.ts";
import { createTestTime, memoryStorage, settle } from "./support.ts";
import { createTestLock, createTestShelf } from "./vault-support.ts";

const PASSPHRASE = "correct horse battery";
const DAY_MS = 86_400_000;
const other = new Uint8Array(32).fill(9);

function world() {
  const time = createTestTime();
  const storage = memoryStorage();
  const shelf = createTestShelf();
  const told = { isBusy: false, persist: 0, changed: 0, changedKey: 0, adopted: [] as KeptDeposit[] };
  const address = (): string => addressOf(part.vault.kept()?.playKey ?? "", "devchain");
  const book = (): WalletBook => createBook({ address: address() }, { storage, now: time.now });
  const part: VaultPart = createVaultPart({
    shelf,
    crypto,
    storage,
    lock: createTestLock(),
    locks: undefined,
    now: time.now,
    after: time.after,
    persist: async () => {
      told.persist++;
      return true;
    },
    reload: () => undefined,
    network: () => "devchain",
    knowsNetwork: () => true,
    wallet: () => ({
      address,
      book: () => (part.vault.kept() === undefined ? undefined : book()),
      adopt: async (deposits) => {
        told.adopted.push(...deposits);
      },
    }),
    isBusy: () => told.isBusy,
    during: (work) => work(),
    changedKey: async (): Promise<Outcome> => {
      told.changedKey++;
      return { ok: true };
    },
    playerChanged: () => undefined,
    changed: () => {
      told.changed++;
    },
  });
  const win = (): void =>
    void book().update((before) => ({
      ...before,
      history: [{ kind: "payout", sats: 5, at: time.now(), txid: "aa" }, ...before.history],
    }));
  return { part, time, storage, told, win, shelf };
}

describe("what a person does with the key", function () {
  this.timeout(20_000);

  it("I3: a reminder comes with the first money in a round, goes for a day when waved away, ends with a backup", async () => {
    const { part, time, win, told } = world();
    assert.equal(part.view().state, "none");
    await part.vault.ready();
    assert.equal(part.view().remind, false);
    assert.equal(told.persist, 0);
    win();
    assert.equal(part.view().remind, true);
    assert.equal(told.persist, 1, "the browser is asked to keep the data, once");
    part.actions.dismiss();
    assert.equal(part.view().remind, false);
    await time.pass(DAY_MS + 1);
    assert.equal(part.view().remind, true);
    part.actions.saved("words");
    assert.equal(part.view().remind, false);
    assert.equal(part.view().isBackedUp, true);
    await time.pass(400 * DAY_MS);
    assert.equal(part.view().remind, false);
    assert.equal(told.persist, 1);
    // Another key has a backup of its own to make.
    await part.vault.renew();
    assert.equal(part.view().isBackedUp, false);
  });

  it("I3: what is shown is the same object while nothing in it changed", async () => {
    const { part } = world();
    await part.vault.ready();
    assert.equal(part.view(), part.view());
    const before = part.view();
    part.actions.setAutoLock(5);
    assert.notEqual(part.view(), before);
    assert.equal(part.view().autoLockMinutes, 5);
  });

  it("I3: words and key come out with the passphrase only, where there is one; a bare key has no words", async () => {
    const { part } = world();
    await part.vault.ready();
    const words = await part.actions.words();
    assert.ok(words.ok && words.words.length === 12);
    assert.ok((await part.actions.setPassphrase(undefined, PASSPHRASE)).ok);
    for (const secretly of [part.actions.words, part.actions.wif]) {
      const closed = await secretly();
      assert.ok(!closed.ok && closed.code === "PASSPHRASE_WRONG");
      assert.ok((await secretly(PASSPHRASE)).ok);
    }
    const file = await part.actions.file(PASSPHRASE, "wrong horse battery");
    assert.ok(!file.ok && file.code === "PASSPHRASE_WRONG");
    await part.vault.replace({ secret: other.slice() });
    const none = await part.actions.words();
    assert.ok(!none.ok && /no words/.test(none.message));
    assert.deepEqual(await part.actions.wif(), { ok: true, wif: toWif(other, "devchain") });
  });

  it("I3: showing a secret does not wipe the one that is in use", async () => {
    const { part } = world();
    const key = await part.vault.ready();
    await part.actions.words();
    await part.actions.wif();
    await part.actions.file(PASSPHRASE);
    assert.equal(publicKeyOf(key.secret), key.playKey);
  });

  it("I3: a saved file brings key, words and reminder's end along; its passphrase is asked for", async () => {
    const [ann, bob] = [world(), world()];
    const { playKey } = await ann.part.vault.ready();
    const short = await ann.part.actions.file("short");
    assert.ok(!short.ok && short.code === "BAD_REQUEST");
    const made = await ann.part.actions.file(PASSPHRASE);
    assert.ok(made.ok);
    await bob.part.vault.ready();
    const own = bob.part.vault.kept()?.playKey ?? "";
    const asked = await bob.part.actions.restore(made.backup.json);
    assert.ok(!asked.ok && asked.code === "PASSPHRASE_WRONG");
    assert.equal(bob.part.vault.kept()?.playKey, own);
    assert.deepEqual(await bob.part.actions.restore(made.backup.json, PASSPHRASE), { ok: true });
    assert.equal(bob.part.vault.kept()?.playKey, playKey);
    assert.equal(bob.part.view().hasWords, true);
    assert.equal(bob.part.view().isBackedUp, true);
    assert.equal(bob.told.changedKey, 1);
    const [former] = await bob.part.actions.formers();
    assert.equal(former?.address, addressOf(own, "devchain"));
    assert.deepEqual(await bob.part.actions.bringBack(former?.id ?? ""), { ok: true });
    assert.equal(bob.part.vault.kept()?.playKey, own);
    assert.equal(bob.told.changedKey, 2);
  });

  it("I3: a bare key that is brought back counts as no backup of itself", async () => {
    const { part } = world();
    assert.deepEqual(await part.actions.restore(toWif(other, "devchain")), { ok: true });
    assert.equal(part.view().isBackedUp, false);
    const nonsense = await part.actions.restore("hello");
    assert.ok(!nonsense.ok && nonsense.code === "BACKUP_UNREADABLE");
    assert.equal(part.vault.kept()?.playKey, publicKeyOf(other));
  });

  it("I3: a disk that is full while a key comes back leaves the one that is there", async () => {
    const { part, shelf } = world();
    const { playKey } = await part.vault.ready();
    shelf.failFrom(1, "before");
    await assert.rejects(part.actions.restore(toWif(other, "devchain")), /disk is full/);
    shelf.heal();
    assert.equal(part.vault.kept()?.playKey, playKey);
    assert.equal(publicKeyOf(part.vault.key()?.secret ?? other), playKey);
  });

  it("I3: several things that need the key are asked for once, and go on or stop together", async () => {
    const { part } = world();
    await part.vault.ready();
    await part.actions.setPassphrase(undefined, PASSPHRASE);
    part.actions.lock();
    const first = [part.vault.ready(), part.actions.open()];
    await settle();
    assert.equal(part.view().asking, true);
    part.actions.decline();
    assert.equal(part.view().asking, false);
    const [refused, said] = await Promise.allSettled(first);
    assert.equal(refused?.status, "rejected");
    assert.ok(said?.status === "fulfilled" && "ok" in said.value && !said.value.ok);
    const second = [part.vault.ready(), part.vault.ready()];
    await settle();
    assert.deepEqual(await part.actions.unlock(PASSPHRASE), { ok: true });
    assert.equal(part.view().asking, false);
    for (const key of await Promise.all(second)) assert.equal(publicKeyOf(key.secret), key.playKey);
  });

  it("I3: while a deposit waits for its answer no other key comes in; after it one does", async () => {
    const { part, told } = world();
    const { playKey } = await part.vault.ready();
    told.isBusy = true;
    const early = await part.actions.restore(toWif(other, "devchain"));
    assert.ok(!early.ok && early.code === "DEPOSIT_PENDING");
    assert.equal(part.vault.kept()?.playKey, playKey);
    told.isBusy = false;
    assert.ok((await part.actions.restore(toWif(other, "devchain"))).ok);
    const [former] = await part.actions.formers();
    told.isBusy = true;
    const swap = await part.actions.bringBack(former?.id ?? "");
    assert.ok(!swap.ok && swap.code === "DEPOSIT_PENDING");
  });

  it("I3: damaged notes of backups count as none", async () => {
    const { part, storage, win } = world();
    const { playKey } = await part.vault.ready();
    win();
    for (const text of ["{", "5", "null", "[]"]) {
      storage.setItem(`mr:backup:${playKey}`, text);
      assert.equal(part.view().remind, true, text);
    }
  });
});
