/** Wallets of other makers (I1): what they give becomes a sign-in or a sentence, whatever it is. */
import assert from "node:assert/strict";
import { PrivateKey, ProtoWallet } from "@bsv/sdk";
import { fromHex, toHex, utf8 } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf, signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { signBsm } from "@meme-rounds/shared-schema/sign-in";
import { fromWif } from "@meme-rounds/shared-schema/wif";
import fc from "fast-check";
import { isTestAddress, provenBy, readBitcoinAddress } from "../src/wallet/adapters/bitcoin.ts";
import {
  CATALOG,
  type InstalledId,
  loadAdapter,
  payingWallet,
  watchWallets,
} from "../src/wallet/adapters/catalog.ts";
import { read, refusalOf } from "../src/wallet/adapters/foreign.ts";
import type { AccountChange, WalletAdapter } from "../src/wallet/adapters/types.ts";
import { Refusal } from "../src/wallet/refusal.ts";
import {
  type InjectedAccount,
  type InjectedMood,
  injectWallet,
  type SignRequest,
} from "./injected-wallets.ts";
import { createTestTime } from "./support.ts";

/** facts/wallets.md's own vectors: one key, its addresses. */
const secret = fromWif("Kzo4WTLyGGLXBdaC66vAf19qKawtnfzXdATAiWUmvfbmYycLkPPe") ?? new Uint8Array();
const key = publicKeyOf(secret);
const ADDRESS = {
  p2pkh: "1Gc98ZvN8NcD7dRuP8uohwGuUyW8fSRLAr",
  p2wpkh: "bc1q4vhnklnclgpfmz0wpywfyyq0s6e0dmhnts0exj",
  p2sh: "3BzxthV8yUuqdU2CfYWRqdr4Xt8Mr1wJvf",
  p2tr: "bc1pnv7epzgtycptf5tcu7seeqvzt8eyqxkmlp6nlmvwaap3j975gxxqxrpt9e",
};
const TAPROOT_WITNESS =
  "AUFKyxd7EQc284tmnmnd9Xsqq7NoGOwpzZ0xH4rnUVFQa1BfcMD8NeDfBUHE//AN1aQOdJdlS7DHm0TMXAph0SjwAQ==";
const seed = fromHex("b46ead1df940dbb1a78e1209b987dceb2f4b4b6f17fcc7b16041ba658064575d");
const SOLANA = "3qn847SHr5BpguGiGrYG7ZkcrvhpodzdVwjXiso4aTsM";
const other = new Uint8Array(32).fill(7);
const challenge = { nonce: "8f2c1d7e", message: "a.example asks you to sign in\nNonce: 8f2c1d7e" };

const secrets = [secret, other];
async function sign({ account, message, how, keyID = "" }: SignRequest): Promise<string> {
  const own = secrets[account] ?? secret;
  if (how === "ecdsa") return signBsm(message, own);
  if (how === "ed25519") return signEd25519(utf8(message), account === 0 ? seed : other);
  if (how === "bip322-simple") return TAPROOT_WITNESS;
  const { signature } = await new ProtoWallet(new PrivateKey(toHex(own), "hex")).createSignature({
    data: [...utf8(message)],
    protocolID: [2, "memerounds signin"],
    keyID,
    counterparty: "anyone",
  });
  return toHex(Uint8Array.from(signature));
}

const otherKey = publicKeyOf(other);
const legacyAccounts: InjectedAccount[] = [
  { address: ADDRESS.p2pkh, publicKey: key },
  { address: addressOf(otherKey, "main"), publicKey: otherKey },
];
const solanaAccounts: InjectedAccount[] = [
  { address: SOLANA, publicKey: "" },
  { address: "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB", publicKey: "" },
];
const KINDS: readonly InstalledId[] = ["okx", "unisat", "phantom", "yours", "yours-legacy"];

async function stage(kind: InstalledId, options: { accounts?: InjectedAccount[]; lateMs?: number } = {}) {
  const time = createTestTime();
  const host = new EventTarget();
  const accounts = options.accounts ?? (kind === "phantom" ? solanaAccounts : legacyAccounts);
  const wallet = injectWallet(host, { kind, accounts }, sign);
  const deps = { host, after: time.after };
  return { time, host, wallet, deps, adapter: await loadAdapter(kind, deps) };
}
const signIn = async (adapter: WalletAdapter) => {
  const { address } = await adapter.connect();
  return { address, ...(await adapter.sign(challenge)) };
};
async function refusal(work: Promise<unknown>) {
  const error = await work.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Refusal, String(error));
  return error.failure;
}
const bitcoinAccount = (address: string): InjectedAccount[] => [
  { address, publicKey: key },
  { address: addressOf(otherKey, "main"), publicKey: otherKey },
];

describe("wallet adapters", () => {
  describe("signing in", () => {
    for (const kind of ["okx", "unisat"] as const)
      for (const [type, address] of Object.entries(ADDRESS))
        it(`I1 ${kind} with a ${type} address`, async () => {
          const { adapter } = await stage(kind, { accounts: bitcoinAccount(address) });
          const signed = await signIn(adapter);
          assert.equal(signed.address, address);
          if (type === "p2tr") {
            assert.equal(signed.signature, TAPROOT_WITNESS);
            assert.match(signed.identity, /^bip322:[0-9a-f]{64}$/);
          } else {
            assert.equal(signed.identity, `ecdsa-secp256k1:${key}`);
            assert.equal(signed.publicKey, key);
          }
        });

    it("I1 Phantom: 64 bytes as base64, the identity is the address's key", async () => {
      const { adapter } = await stage("phantom");
      const signed = await signIn(adapter);
      assert.equal(signed.address, SOLANA);
      assert.equal(
        signed.signature,
        btoa(String.fromCharCode(...fromHex(signEd25519(utf8(challenge.message), seed)))),
      );
      assert.match(signed.identity, /^ed25519:[0-9a-f]{64}$/);
    });

    it("I1 Yours v5: a BRC-100 signature for anyone, under the nonce", async () => {
      const { adapter } = await stage("yours");
      const signed = await signIn(adapter);
      assert.equal(signed.address, ADDRESS.p2pkh);
      assert.equal(signed.identity, `brc100:${key}`);
      const { valid } = await new ProtoWallet("anyone").verifySignature({
        data: [...utf8(challenge.message)],
        signature: [...fromHex(signed.signature)],
        protocolID: [2, "memerounds signin"],
        keyID: challenge.nonce,
        counterparty: key,
      });
      assert.equal(valid, true);
    });

    it("I1 Yours before v5: a BSM of the identity key", async () => {
      const { adapter } = await stage("yours-legacy");
      const signed = await signIn(adapter);
      assert.equal(signed.address, ADDRESS.p2pkh);
      assert.equal(signed.signature, signBsm(challenge.message, secret));
      assert.equal(adapter.kind, "yours");
    });

    it("I1 a header byte of another address kind is written as the server takes it", () => {
      const plain = signBsm("m", secret);
      const address = readBitcoinAddress(ADDRESS.p2wpkh);
      assert.ok(address);
      for (const shift of [-4, 4, 8]) {
        const bytes = Uint8Array.from(atob(plain), (char) => char.charCodeAt(0));
        bytes[0] = (bytes[0] ?? 0) + shift;
        const spelled = btoa(String.fromCharCode(...bytes));
        assert.equal(provenBy("m", spelled, address)?.signature, plain);
      }
    });
  });

  describe("refusals, in words, for every wallet", () => {
    const cases: [InjectedMood, "connect" | "sign", string][] = [
      ["reject", "connect", "SIGNER_REJECTED"],
      ["closed", "connect", "SIGNER_REJECTED"],
      ["reject", "sign", "SIGNER_REJECTED"],
      ["closed", "sign", "SIGNER_REJECTED"],
      ["locked", "connect", "SIGNER_LOCKED"],
      ["locked", "sign", "SIGNER_LOCKED"],
      ["swap", "sign", "SIGNER_CHANGED"],
      ["nonsense", "connect", "SIGNER_FAILED"],
      ["nonsense", "sign", "SIGNER_FAILED"],
    ];
    for (const kind of KINDS)
      for (const [mood, moodAt, code] of cases)
        it(`I1 ${kind}: ${mood} at ${moodAt}`, async () => {
          const { adapter, wallet } = await stage(kind);
          Object.assign(wallet, { mood, moodAt });
          const failed = await refusal(signIn(adapter));
          // A signature that is none may as well be another key's.
          const codes = mood === "nonsense" ? [code, "SIGNER_LOCKED", "SIGNER_CHANGED"] : [code];
          assert.ok(codes.includes(failed.code), `${failed.code}: ${failed.message}`);
          assert.match(failed.message, /OKX Wallet|UniSat|Phantom|Yours Wallet|You declined/);
        });

    for (const kind of KINDS)
      for (const moodAt of ["connect", "sign"] as const)
        it(`I1 ${kind}: no answer at ${moodAt} ends after three minutes`, async () => {
          const { adapter, wallet, time } = await stage(kind);
          Object.assign(wallet, { mood: "silent", moodAt });
          const failed = refusal(signIn(adapter));
          await time.pass(60_000);
          await time.pass(121_000);
          assert.equal((await failed).code, "SIGNER_SILENT");
        });

    for (const kind of KINDS)
      it(`I1 ${kind}: not installed`, async () => {
        const time = createTestTime();
        const adapter = await loadAdapter(kind, { host: new EventTarget(), after: time.after });
        const found = adapter.detect();
        await time.pass(3_100);
        assert.equal(await found, false);
        assert.equal((await refusal(adapter.connect())).code, "WALLET_MISSING");
      });

    it("I1 UniSat on Fractal is asked to change, and connects after it", async () => {
      const { adapter, wallet } = await stage("unisat");
      wallet.network = "FRACTAL_BITCOIN_MAINNET";
      assert.equal((await adapter.connect()).address, ADDRESS.p2pkh);
      assert.ok(wallet.calls.includes("switchChain"));
    });

    it("I1 UniSat on Fractal whose owner says no: how to switch", async () => {
      const { adapter, wallet } = await stage("unisat");
      Object.assign(wallet, { network: "FRACTAL_BITCOIN_MAINNET", canSwitchNetwork: false });
      const failed = await refusal(adapter.connect());
      assert.equal(failed.code, "WALLET_NETWORK");
      assert.match(failed.message, /fractal.*Switch it to Bitcoin/);
    });

    it("I1 OKX on a test network, and any wallet with a test address", async () => {
      const okx = await stage("okx");
      okx.wallet.network = "testnet";
      assert.equal((await refusal(okx.adapter.connect())).code, "WALLET_NETWORK");
      const test = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";
      const unisat = await stage("unisat", { accounts: [{ address: test, publicKey: key }] });
      assert.equal((await refusal(unisat.adapter.connect())).code, "WALLET_NETWORK");
    });

    it("I1 any provider at all is a refusal, never a crash", async () => {
      const put: Record<string, (provider: unknown) => object> = {
        okx: (bitcoin) => ({ okxwallet: { bitcoin } }),
        unisat: (unisat) => ({ unisat_wallet: unisat }),
        phantom: (solana) => ({ phantom: { solana } }),
        yours: (CWI) => ({ CWI }),
        "yours-legacy": (yours) => ({ yours }),
      };
      const names = ["connect", "requestAccounts", "getAccounts", "getChain", "getNetwork", "getPublicKey"];
      names.push("waitForAuthentication", "getAddresses", "signMessage", "createSignature");
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...KINDS),
          fc.anything(),
          fc.boolean(),
          async (kind, answer, throws) => {
            const provider: Record<string, unknown> = { isPhantom: true, isReady: true };
            for (const name of names)
              provider[name] = () => {
                if (throws) throw answer;
                return answer;
              };
            const time = createTestTime();
            const host = Object.assign(new EventTarget(), put[kind]?.(provider));
            const adapter = await loadAdapter(kind, { host, after: time.after });
            assert.equal(typeof (await refusal(signIn(adapter))).message, "string");
          },
        ),
        { numRuns: 1_000 },
      );
    });
  });

  describe("account changes", () => {
    for (const kind of KINDS)
      it(`I1 ${kind} tells of a switch and of leaving, and stops telling`, async () => {
        const { adapter, wallet } = await stage(kind);
        const heard: AccountChange[] = [];
        const stop = adapter.onAccountChange((change) => heard.push(change));
        wallet.switchTo(1);
        const [first] = heard;
        assert.equal(first?.kind, "switched");
        if (kind !== "yours" && kind !== "yours-legacy")
          assert.equal(first.address, (kind === "phantom" ? solanaAccounts : legacyAccounts)[1]?.address);
        wallet.leave();
        assert.equal(heard.at(-1)?.kind, "left");
        const count = heard.length;
        stop();
        wallet.switchTo(0);
        assert.equal(heard.length, count);
      });
  });

  describe("which are here", () => {
    it("I1 finds one that starts late, once", async () => {
      const time = createTestTime();
      const host = new EventTarget();
      const told: (readonly InstalledId[])[] = [];
      const stop = watchWallets({ host, after: time.after }, (found) => told.push(found));
      await time.pass(500);
      injectWallet(host, { kind: "okx", accounts: legacyAccounts }, sign);
      await time.pass(1_200);
      // UniSat says so itself.
      injectWallet(host, { kind: "unisat", accounts: legacyAccounts }, sign);
      assert.deepEqual(told, [[], ["okx"], ["okx", "unisat"]]);
      stop();
      injectWallet(host, { kind: "yours", accounts: legacyAccounts }, sign);
      await time.pass(60_000);
      assert.equal(told.length, 3);
    });

    it("I1 waits for the extension that was chosen", async () => {
      const time = createTestTime();
      const host = new EventTarget();
      const adapter = await loadAdapter("phantom", { host, after: time.after });
      const found = adapter.detect();
      await time.pass(700);
      injectWallet(host, { kind: "phantom", accounts: solanaAccounts }, sign);
      await time.pass(500);
      assert.equal(await found, true);
    });

    it("I1 every wallet of the catalog says where to get it", () => {
      for (const { homepage, name, about } of CATALOG) {
        assert.match(homepage, /^https:\/\//);
        assert.ok(name.length > 0 && about.length > 0);
      }
    });
  });

  describe("paying", () => {
    const outputs = [{ script: `76a914${"11".repeat(20)}88ac`, sats: 5_000 }];
    it("I3 Yours v5 makes an action with our very outputs", async () => {
      const { deps, wallet } = await stage("yours");
      const payer = await payingWallet(deps);
      assert.ok(payer);
      assert.equal(await payer.network(), "main");
      const paid = await payer.pay(outputs);
      assert.equal(paid.txid, "ab".repeat(32));
      assert.match(paid.tx ?? "", /^01010101/);
      assert.deepEqual(read(wallet.paid[0], "outputs"), [
        { lockingScript: outputs[0]?.script, satoshis: 5_000, outputDescription: "Play wallet" },
      ]);
      assert.deepEqual(read(wallet.paid[0], "options"), {
        acceptDelayedBroadcast: false,
        randomizeOutputs: false,
      });
    });
    it("I3 Yours before v5 sends to a script; a declined payment is a sentence", async () => {
      const { deps, wallet } = await stage("yours-legacy");
      const payer = await payingWallet(deps);
      assert.ok(payer);
      wallet.network = "testnet";
      assert.equal(await payer.network(), "test");
      assert.deepEqual(await payer.pay(outputs), {
        txid: "ab".repeat(32),
        tx: `01010101${"cd".repeat(8)}`,
      });
      assert.deepEqual(wallet.paid, [[{ script: outputs[0]?.script, satoshis: 5_000 }]]);
      Object.assign(wallet, { mood: "closed", moodAt: "pay" });
      assert.equal((await refusal(payer.pay(outputs))).code, "SIGNER_REJECTED");
    });
    it("I3 the others cannot", async () => {
      for (const kind of ["okx", "unisat", "phantom"] as const)
        assert.equal(await payingWallet((await stage(kind)).deps), undefined);
    });
  });

  describe("what is foreign", () => {
    it("I1 addresses: the four kinds of the main net, nothing else", () => {
      for (const [kind, text] of Object.entries(ADDRESS)) assert.equal(readBitcoinAddress(text)?.kind, kind);
      const wrong = [
        ADDRESS.p2wpkh.replace("bc1q4", "bc1q5"),
        ADDRESS.p2wpkh.toUpperCase(),
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx", // 40 bytes
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", // a script's
        "BC1SW50QA3JX3S",
        "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du", // version 2, old checksum
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", // v1, old checksum
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "",
        "bc1",
      ];
      for (const text of wrong) assert.equal(readBitcoinAddress(text), undefined, text);
      // Any one letter changed is noticed.
      fc.assert(
        fc.property(
          fc.constantFrom(...Object.values(ADDRESS)),
          fc.nat(),
          fc.constantFrom(..."qpzry9x8"),
          (text, at, letter) => {
            const where = 4 + (at % (text.length - 4));
            const changed = text.slice(0, where) + letter + text.slice(where + 1);
            assert.equal(readBitcoinAddress(changed) === undefined, changed !== text);
          },
        ),
      );
      assert.ok(isTestAddress("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"));
      assert.ok(isTestAddress("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"));
      for (const text of Object.values(ADDRESS)) assert.equal(isTestAddress(text), false);
    });

    it("I1 a wallet's words come through short and plain", () => {
      const failed = refusalOf(
        { code: -32603, message: `boom\u202e\n${"x".repeat(500)}` },
        "OKX Wallet",
      ).failure;
      assert.equal(failed.code, "SIGNER_FAILED");
      assert.ok(failed.message.length < 200);
      assert.doesNotMatch(failed.message, /[\u202e\n]/);
      assert.equal(refusalOf({ code: -32002, message: "" }, "P").failure.code, "SIGNER_FAILED");
    });
  });
});
