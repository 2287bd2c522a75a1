/** I3: the key at rest: made once, sealed, resealed, replaced and brought back; and never lost, wherever a disk fails. */
import assert from "node:assert/strict";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import type { KeptKey, Keystore } from "../src/wallet/keystore.ts";
import { failureOf } from "../src/wallet/refusal.ts";
import { createTestLock, createTestShelf, keystoreOn } from "./vault-support.ts";

const other = { secret: new Uint8Array(32).fill(9) };
const PASSPHRASE = "correct horse battery";
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "it worked",
    (error: unknown) => failureOf(error).code,
  );
const flat = (value: unknown): string =>
  value instanceof ArrayBuffer
    ? toHex(new Uint8Array(value))
    : value instanceof Uint8Array
      ? toHex(value)
      : typeof value === "object" && value !== null
        ? Object.values(value).map(flat).join("|")
        : String(value);

describe("the key at rest", function () {
  this.timeout(20_000);

  it("I3: is made once, has words, and is the same after a reload", async () => {
    const shelf = createTestShelf();
    const made = await keystoreOn(shelf).create();
    assert.deepEqual({ ...made, playKey: "" }, { playKey: "", hasWords: true, hasPassphrase: false });
    const again = keystoreOn(shelf);
    assert.deepEqual(await again.create(), made);
    assert.deepEqual(await again.look(), made);
    const { secret, entropy } = await again.open();
    assert.equal(publicKeyOf(secret), made.playKey);
    assert.equal(entropy?.length, 16);
    const stored = [...shelf.records.values()].map(flat).join();
    assert.ok(!stored.includes(toHex(secret)) && !stored.includes(toHex(entropy)));
  });

  it("I3: nothing is there, and nothing is made, before it is needed", async () => {
    const shelf = createTestShelf();
    assert.equal(await keystoreOn(shelf).look(), undefined);
    assert.equal(await codeOf(keystoreOn(shelf).open()), "KEY_NOT_KEPT");
    assert.equal(shelf.records.size, 0);
  });

  it("I3: two tabs that make one at once end up with the same", async () => {
    const shelf = createTestShelf();
    const lock = createTestLock();
    const [a, b] = await Promise.all([keystoreOn(shelf, lock).create(), keystoreOn(shelf, lock).create()]);
    assert.deepEqual(a, b);
    // Without locks between tabs the second is refused rather than the first overwritten.
    const bare = createTestShelf();
    const made = await Promise.allSettled([keystoreOn(bare).create(), keystoreOn(bare).create()]);
    const kept = await keystoreOn(bare).look();
    for (const one of made) if (one.status === "fulfilled") assert.deepEqual(one.value, kept);
    assert.ok(made.some(({ status }) => status === "fulfilled"));
  });

  it("I3: a key of before words and passphrases opens, without words, and can be sealed anew", async () => {
    const shelf = createTestShelf();
    const device = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const bytes = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, device, other.secret);
    shelf.records.set("device", device);
    shelf.records.set("play", { iv, bytes });
    const keystore = keystoreOn(shelf);
    const playKey = publicKeyOf(other.secret);
    assert.deepEqual(await keystore.look(), { playKey, hasWords: false, hasPassphrase: false });
    assert.deepEqual(await keystore.create(), { playKey, hasWords: false, hasPassphrase: false });
    assert.deepEqual(await keystore.open(), other);
    assert.equal((await keystore.reseal(await keystore.open(), PASSPHRASE)).hasPassphrase, true);
    assert.deepEqual(await keystore.open(PASSPHRASE), other);
  });

  it("I3: under a passphrase it opens with that one only, and shows its address all the same", async () => {
    const shelf = createTestShelf();
    const keystore = keystoreOn(shelf);
    const made = await keystore.create();
    const content = await keystore.open();
    assert.deepEqual(await keystore.reseal(content, PASSPHRASE), { ...made, hasPassphrase: true });
    assert.deepEqual(await keystoreOn(shelf).look(), { ...made, hasPassphrase: true });
    assert.equal(await codeOf(keystore.open()), "WALLET_LOCKED");
    for (const wrong of ["", "x", PASSPHRASE.toUpperCase()])
      assert.equal(await codeOf(keystore.open(wrong)), "PASSPHRASE_WRONG");
    assert.deepEqual(await keystoreOn(shelf).open(PASSPHRASE), content);
    assert.equal(await codeOf(keystore.reseal(other, "another one")), "KEY_NOT_KEPT", "not of this key");
    await keystore.reseal(content, "another one");
    assert.equal(await codeOf(keystore.open(PASSPHRASE)), "PASSPHRASE_WRONG");
    await keystore.reseal(await keystore.open("another one"), undefined);
    assert.deepEqual(await keystore.open(), content);
  });

  it("I3: a copied profile is no use without the passphrase, nor the passphrase without the device key", async () => {
    const shelf = createTestShelf();
    const keystore = keystoreOn(shelf);
    await keystore.create();
    await keystore.reseal(await keystore.open(), PASSPHRASE);
    const stolen = createTestShelf(new Map(shelf.records));
    stolen.records.delete("device");
    assert.equal(await codeOf(keystoreOn(stolen).open(PASSPHRASE)), "KEY_NOT_KEPT");
    assert.equal((shelf.records.get("device") as CryptoKey).extractable, false);
  });

  it("I3: a lost device key or damaged bytes are said, and no new key takes the place of the old", async () => {
    for (const spoil of [
      (records: Map<string, unknown>) => records.delete("device"),
      (records: Map<string, unknown>) => {
        const play = records.get("play") as { bytes: ArrayBuffer };
        records.set("play", { ...play, bytes: play.bytes.slice(1) });
      },
      (records: Map<string, unknown>) =>
        records.set("play", { ...(records.get("play") as object), playKey: publicKeyOf(other.secret) }),
    ]) {
      const shelf = createTestShelf();
      await keystoreOn(shelf).create();
      spoil(shelf.records);
      const keystore = keystoreOn(shelf);
      const before = shelf.records.get("play");
      assert.equal(await codeOf(keystore.open()), "KEY_NOT_KEPT");
      await keystore.create();
      assert.equal(shelf.records.get("play"), before);
      // It is never in the way of a backup.
      await keystore.replace(other);
      assert.deepEqual(await keystore.open(), other);
    }
  });

  it("I3: what another key replaced is put aside and comes back, with its passphrase", async () => {
    const shelf = createTestShelf();
    const keystore = keystoreOn(shelf);
    const first = await keystore.create();
    await keystore.reseal(await keystore.open(), PASSPHRASE);
    const content = await keystore.open(PASSPHRASE);
    const second = await keystore.replace(other);
    assert.deepEqual(second, { playKey: publicKeyOf(other.secret), hasWords: false, hasPassphrase: false });
    const [former, ...more] = await keystore.formers();
    assert.deepEqual(more, []);
    assert.equal(former?.playKey, first.playKey);
    assert.deepEqual(await keystore.bringBack(former?.id ?? ""), { ...first, hasPassphrase: true });
    assert.deepEqual(await keystore.open(PASSPHRASE), content);
    // There and back again: each of both is listed once, and the one in use not at all.
    for (let turn = 0; turn < 3; turn++) {
      const [aside, ...others] = await keystore.formers();
      assert.deepEqual(others, []);
      await keystore.bringBack(aside?.id ?? "");
    }
    assert.deepEqual(await keystore.open(), other);
    assert.equal(await codeOf(keystore.bringBack("nothing")), "KEY_NOT_KEPT");
  });

  it("I3: a new key takes the place of the present one, which is put aside (I2)", async () => {
    const keystore = keystoreOn(createTestShelf());
    const first = await keystore.create();
    const second = await keystore.renew();
    assert.notEqual(second.playKey, first.playKey);
    assert.equal(second.hasWords, true);
    assert.deepEqual(
      (await keystore.formers()).map(({ playKey }) => playKey),
      [first.playKey],
    );
  });

  describe("wherever the disk fails or the tab dies", () => {
    const steps: [name: string, work: (keystore: Keystore) => Promise<unknown>, after: "same" | "other"][] = [
      [
        "setting a passphrase",
        async (keystore) => await keystore.reseal(await keystore.open(), PASSPHRASE),
        "same",
      ],
      ["replacing the key", (keystore) => keystore.replace(other), "other"],
      ["making a new key", (keystore) => keystore.renew(), "other"],
    ];
    for (const [name, work, after] of steps)
      for (const how of ["before", "after"] as const)
        it(`I3: ${name}, ${how} each step: one whole key is there, and the former one too`, async () => {
          let failed = 0;
          for (let call = 1; ; call++) {
            const shelf = createTestShelf();
            const first = await keystoreOn(shelf).create();
            shelf.failFrom(call, how);
            const worked = await work(keystoreOn(shelf)).then(
              () => true,
              () => false,
            );
            const used = shelf.calls();
            shelf.heal();
            const keystore = keystoreOn(shelf);
            const kept = await keystore.look();
            assert.ok(kept);
            const { secret } = await keystore.open(kept.hasPassphrase ? PASSPHRASE : undefined);
            assert.equal(publicKeyOf(secret), kept.playKey);
            if (after === "same") assert.equal(kept.playKey, first.playKey);
            else if (kept.playKey !== first.playKey) {
              const [former] = await keystore.formers();
              assert.equal(former?.playKey, first.playKey);
              await keystore.bringBack(former?.id ?? "");
              assert.equal(publicKeyOf((await keystore.open()).secret), first.playKey);
            }
            if (worked) {
              assert.ok(call > used, "it worked since nothing failed");
              break;
            }
            failed++;
          }
          assert.ok(failed >= 3, `${failed} steps failed`);
        });

    it("I3: making the first: there is none, or a whole one, never an address without a key", async () => {
      for (const how of ["before", "after"] as const) {
        let failed = 0;
        for (let call = 1; ; call++) {
          const shelf = createTestShelf();
          shelf.failFrom(call, how);
          const told: KeptKey | undefined = await keystoreOn(shelf)
            .create()
            .catch(() => undefined);
          const used = shelf.calls();
          shelf.heal();
          const kept = await keystoreOn(shelf).look();
          if (told !== undefined) assert.deepEqual(kept, told);
          if (kept !== undefined)
            assert.equal(publicKeyOf((await keystoreOn(shelf).open()).secret), kept.playKey);
          assert.ok(await keystoreOn(shelf).create(), "it can be tried again");
          if (told !== undefined && call > used) break;
          failed++;
        }
        assert.ok(failed >= 3);
      }
    });

    it("I3: a browser that forgets device keys at once is told so before anything is paid to an address", async () => {
      const shelf = createTestShelf();
      const forgetful = {
        ...shelf,
        write: (puts: Record<string, unknown>, unless: Parameters<typeof shelf.write>[1]) =>
          shelf.write(Object.fromEntries(Object.entries(puts).filter(([name]) => name !== "device")), unless),
      };
      assert.equal(await codeOf(keystoreOn(forgetful).create()), "KEY_NOT_KEPT");
      assert.equal(shelf.records.size, 0);
    });
  });
});
