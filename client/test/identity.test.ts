/** Who plays: which play key goes with which account, what stays when something is declined. Rules I1, I2. */
import assert from "node:assert/strict";
import { addressOf, publicKeyOf, verifyCompact } from "@meme-rounds/shared-schema/crypto";
import { playKeyProofBytes, signBsm } from "@meme-rounds/shared-schema/sign-in";
import { createIdentity } from "../src/app/identity.ts";
import { failure, type Outcome } from "../src/app/model.ts";
import type { Claimant } from "../src/net/session.ts";
import { claimantOf } from "../src/wallet/claim.ts";
import { createKeyOwners } from "../src/wallet/key-owners.ts";
import type { Key } from "../src/wallet/vault.ts";
import { injectWallet } from "./injected-wallets.ts";
import { createTestTime, memoryStorage, settle } from "./support.ts";

const secretOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const keyOf = (fill: number): Key => ({ playKey: publicKeyOf(secretOf(fill)), secret: secretOf(fill) });
const accounts = [21, 22].map((fill) => {
  const publicKey = publicKeyOf(secretOf(fill));
  return { address: addressOf(publicKey, "main"), publicKey };
});
const [first = accounts[0], second = accounts[1]] = accounts;
assert.ok(first && second);

function stage(options: { extension?: boolean; storage?: Storage } = {}) {
  const { extension = true, storage = memoryStorage() } = options;
  const time = createTestTime();
  const host = new EventTarget();
  const wallet = injectWallet(host, { kind: "okx", accounts, isLate: !extension }, async (request) =>
    signBsm(request.message, secretOf(21 + request.account)),
  );
  const keys = { present: 1, formers: [] as number[], made: 1, sats: 0 };
  /** As the server does: a play key belongs to one identity for ever. */
  const owners = new Map<string, string>();
  const server = {
    signedIn: [] as { wallet: string; address: string; playKey: string; identity: string }[],
    remembered: false,
    text: (claimant: Claimant, nonce: string) =>
      `Address: ${claimant.address}\nPlay key: ${claimant.playKey}\nNonce: ${nonce}`,
  };
  const notices: string[] = [];
  const signIn = async (claimant: Claimant): Promise<Outcome> => {
    const nonce = `nonce-${server.signedIn.length}`;
    const proof = await claimant.prove({ nonce, message: server.text(claimant, nonce), expiresAt: 0 });
    const identity = `ecdsa-secp256k1:${proof.publicKey}`;
    assert.ok(verifyCompact(playKeyProofBytes(nonce, identity), proof.playSig, claimant.playKey));
    if ((owners.get(claimant.playKey) ?? identity) !== identity) return failure("PLAY_KEY_TAKEN", "");
    owners.set(claimant.playKey, identity);
    const { wallet: kind, address, playKey } = claimant;
    server.signedIn.push({ wallet: kind, address, playKey, identity });
    server.remembered = true;
    return { ok: true };
  };
  const make = () =>
    createIdentity({
      host,
      after: time.after,
      storage,
      session: { signIn, isRemembered: () => server.remembered },
      wallet: {
        key: () => keyOf(keys.present),
        open: async () => keyOf(keys.present),
        balanceSats: () => keys.sats,
      },
      keys: {
        formers: async () => keys.formers.map((fill) => ({ id: String(fill), playKey: keyOf(fill).playKey })),
        async bringBack(id) {
          keys.formers.push(keys.present);
          keys.present = Number(id);
        },
        async renew() {
          keys.formers.push(keys.present);
          keys.present = ++keys.made;
        },
      },
      api: { current: async () => failure("OFFLINE", "") },
      network: () => "devchain",
      knowsNetwork: () => true,
      heardNetwork: () => undefined,
      signedIn: () => undefined,
      notice: (_kind, text) => notices.push(text),
      changed: () => undefined,
    });
  return { identity: make(), make, wallet, keys, server, owners, notices, storage, time };
}

describe("identity", () => {
  it("I2 every account keeps its own play key, whatever the order", async () => {
    const { identity, wallet, server, keys } = stage();
    assert.ok((await identity.signIn("manual")).ok);
    assert.ok((await identity.signIn("okx")).ok);
    wallet.account = 1;
    assert.ok((await identity.signIn("okx")).ok);
    wallet.account = 0;
    assert.ok((await identity.signIn("okx")).ok);
    assert.ok((await identity.signIn("manual")).ok);
    const [own, a, b, again, back] = server.signedIn.map(({ playKey }) => playKey);
    assert.equal(new Set([own, a, b]).size, 3);
    assert.equal(again, a);
    assert.equal(back, own);
    assert.equal(keys.made, 3);
  });

  it("I3 coins that stay behind with the key of another sign-in are named", async () => {
    const { identity, keys, notices } = stage();
    await identity.signIn("manual");
    keys.sats = 1_234;
    await identity.signIn("okx");
    assert.match(notices.join(), /1234 sat .* stay sealed/);
  });

  it("I2 a key that turns out to be another's: said in words, and the next press has one of its own", async () => {
    const { identity, owners, server } = stage();
    owners.set(keyOf(1).playKey, "ecdsa-secp256k1:somebody");
    const refused = await identity.signIn("okx");
    assert.equal(refused.ok, false);
    assert.match(refused.ok ? "" : refused.message, /belongs to another sign-in/);
    assert.ok((await identity.signIn("okx")).ok);
    assert.notEqual(server.signedIn[0]?.playKey, keyOf(1).playKey);
  });

  it("I2 a key brought back that is a wallet's is found by that wallet, after the browser's own was refused", async () => {
    const { identity, owners, server } = stage();
    owners.set(keyOf(1).playKey, `ecdsa-secp256k1:${first.publicKey}`);
    assert.equal((await identity.signIn("manual")).ok, false);
    assert.ok((await identity.signIn("okx")).ok);
    assert.equal(server.signedIn[0]?.playKey, keyOf(1).playKey);
  });

  it("I2 a new page knows the wallet of last time, and asks nobody by itself", async () => {
    const { identity, make, wallet } = stage();
    await identity.signIn("okx");
    wallet.calls.length = 0;
    const again = make();
    assert.deepEqual(
      [again.view().id, again.view().name, again.view().address],
      ["okx", "OKX Wallet", first.address],
    );
    assert.equal(await again.claimant(), undefined);
    again.start();
    await settle();
    assert.ok(!wallet.calls.includes("connect"), wallet.calls.join());
    assert.ok((await again.signIn()).ok);
  });

  it("I1 a wallet that went to another account while the page was closed is noticed", async () => {
    const { identity, make, wallet, notices } = stage();
    await identity.signIn("okx");
    wallet.account = 1;
    const again = make();
    again.start();
    for (let turn = 0; turn < 200 && again.view().now === "same"; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([again.view().now, again.view().nowAddress], ["switched", second.address]);
    assert.equal(notices.length, 1);
    assert.ok(!wallet.calls.slice(1).includes("connect"));
  });

  it("I2 the wallet in the browser signs in anew by itself", async () => {
    const { identity, make } = stage();
    await identity.signIn("manual");
    assert.equal((await make().claimant())?.wallet, "manual");
  });

  it("I1 an account change is told once, and the session stays", async () => {
    const { identity, wallet, notices } = stage();
    await identity.signIn("okx");
    wallet.switchTo(1);
    wallet.switchTo(1);
    assert.equal(notices.length, 1);
    assert.deepEqual([identity.view().now, identity.view().nowAddress], ["switched", second.address]);
    assert.equal(identity.view().address, first.address);
    wallet.switchTo(0);
    assert.equal(identity.view().now, "same");
    wallet.leave();
    assert.equal(identity.view().now, "left");
    identity.stay();
    assert.equal(identity.view().now, "same");
  });

  it("I1 after signing out nothing of the wallet is heard any more, and it forgets this page", async () => {
    const { identity, wallet, notices } = stage();
    await identity.signIn("okx");
    await identity.signedOut();
    wallet.switchTo(1);
    assert.deepEqual(notices, []);
    assert.equal(wallet.calls.at(-1), "disconnect");
  });

  it("I1 a second wish leaves the first wallet's window alone", async () => {
    const { identity, wallet, server } = stage();
    wallet.mood = "silent";
    const waiting = identity.signIn("okx");
    for (let turn = 0; turn < 200 && !wallet.calls.includes("connect"); turn++)
      await new Promise((resolve) => setImmediate(resolve));
    assert.ok((await identity.signIn("manual")).ok);
    const outcome = await waiting;
    assert.equal(outcome.ok ? "" : outcome.code, "SIGNER_REJECTED");
    assert.equal(server.signedIn.length, 1);
  });

  it("I1 a wallet that is not here", async () => {
    const { identity, time } = stage({ extension: false });
    const asked = identity.signIn("okx");
    for (let turn = 0; turn < 200; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await time.pass(100);
    }
    const outcome = await asked;
    assert.equal(outcome.ok ? "" : outcome.code, "WALLET_MISSING");
  });

  it("I2 what was stored and is damaged counts as nothing", async () => {
    for (const text of ["{", "null", "[]", '{"id":"gone","name":"x","address":"y"}', '"okx"']) {
      const storage = memoryStorage();
      storage.setItem("mr:signer", text);
      storage.setItem("mr:key-owners", text);
      const { identity } = stage({ storage });
      assert.equal(identity.view().id, "manual");
      assert.ok((await identity.signIn("okx")).ok);
    }
  });
});

describe("a claim", () => {
  const wallet = {
    kind: "okx" as const,
    connect: async () => ({ address: "A" }),
    sign: async () => ({ signature: "s", identity: "i" }),
  };
  it("I2 no wallet is asked to sign what is not this account's and this key's challenge", async () => {
    const claimant = await claimantOf(wallet, async () => keyOf(1));
    const good = `Address: A\nPlay key: ${keyOf(1).playKey}\nNonce: n`;
    assert.equal((await claimant.prove({ nonce: "n", message: good, expiresAt: 0 })).signature, "s");
    const bad = [
      good.replace("Address: A", "Address: B"),
      good.replace(keyOf(1).playKey, keyOf(2).playKey),
      good.replace("Nonce: n", "Nonce: m"),
      "I hereby give you everything.",
      "",
    ];
    for (const message of bad)
      await assert.rejects(claimant.prove({ nonce: "n", message, expiresAt: 0 }), /something else/);
  });
});

describe("owners of play keys", () => {
  it("I2 remembers a bounded number of them, the newest", () => {
    const storage = memoryStorage();
    const owners = createKeyOwners({
      storage,
      open: async () => keyOf(1),
      formers: async () => [],
      bringBack: async () => undefined,
      renew: async () => undefined,
    });
    for (let n = 0; n < 500; n++) owners.isOf(`key-${n}`, "okx:a");
    assert.equal(owners.ownerOf("key-499"), "okx:a");
    assert.equal(owners.ownerOf("key-0"), undefined);
    assert.ok((storage.getItem("mr:key-owners") ?? "").length < 20_000);
  });
});
