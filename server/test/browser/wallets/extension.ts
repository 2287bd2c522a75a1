/**
 * A wallet extension in a test's browser: the provider's shape in the page, the keys and real signatures here.
 * Owns: installing it, and a hand on it from the test. Holds no assertion.
 */
import { randomBytes } from "node:crypto";
import { signBsm } from "@meme-rounds/shared-schema/sign-in";
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { base58 } from "@scure/base";
import type { Page } from "playwright-core";
import {
  type InjectedAccount,
  type InjectedOptions,
  type InjectedWallet,
  injectWallet,
  type PayRequest,
  type SignRequest,
} from "../../../../client/test/injected-wallets.ts";
import { addresses, outputKey, signBip322, signBrc100 } from "../../auth/wallet-signers.ts";

export interface ExtensionOptions {
  kind: InjectedOptions["kind"];
  /** Of okx and unisat. */
  address?: keyof typeof addresses;
  /** Secrets of its accounts; two random ones by default. */
  secrets?: Uint8Array[];
  isLate?: boolean;
  /** Of the wallets that can pay. */
  pay?: (outputs: PayRequest) => Promise<{ txid: string; tx: string }>;
}

export interface Extension {
  accounts: InjectedAccount[];
  secrets: Uint8Array[];
  /** The identity string that the server should find for an account. */
  identityOf(account: number): string;
  /** Changes the wallet in the page. */
  set(
    change: Partial<Pick<InjectedWallet, "mood" | "moodAt" | "network" | "canSwitchNetwork">>,
  ): Promise<void>;
  start(): Promise<void>;
  switchTo(account: number): Promise<void>;
  leave(): Promise<void>;
  /** What the page has called since it was loaded. */
  calls(): Promise<string[]>;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const keyOf = (secret: Uint8Array): Uint8Array => secp256k1.getPublicKey(secret, true);

/** Puts the extension into the page and loads it anew, as it would be for somebody who has it. */
export async function install(page: Page, options: ExtensionOptions): Promise<Extension> {
  const { kind, address = "p2pkh", isLate = false } = options;
  const secrets = options.secrets ?? [randomBytes(32), randomBytes(32)];
  const isTaproot = address === "p2tr";
  const accounts = secrets.map((secret) =>
    kind === "phantom"
      ? { address: base58.encode(ed25519.getPublicKey(secret)), publicKey: "" }
      : { address: addresses[address](secret), publicKey: hex(keyOf(secret)) },
  );
  const secretOf = (account: number): Uint8Array => {
    const secret = secrets[account];
    if (secret === undefined) throw new Error("no such account");
    return secret;
  };
  const sign = async ({ account, message, how, keyID = "" }: SignRequest): Promise<string> => {
    const secret = secretOf(account);
    if (how === "ecdsa") return signBsm(message, secret);
    if (how === "ed25519") return hex(ed25519.sign(Buffer.from(message, "utf8"), secret));
    if (how === "bip322-simple") return signBip322(secret, message, isTaproot ? "p2tr" : "p2wpkh");
    return await signBrc100(secret, message, [2, "memerounds signin"], keyID);
  };
  await page.exposeFunction("testSign", sign);
  await page.exposeFunction(
    "testPay",
    options.pay ?? (() => Promise.reject(new Error("this one cannot pay"))),
  );
  const shape: InjectedOptions = { kind, accounts, isLate };
  await page.addInitScript(
    `(${injectWallet.toString()})(window, ${JSON.stringify(shape)}, (request) => window.testSign(request), (outputs) => window.testPay(outputs));`,
  );
  await page.reload();
  return {
    accounts,
    secrets,
    identityOf(account) {
      const secret = secretOf(account);
      if (kind === "phantom") return `ed25519:${hex(ed25519.getPublicKey(secret))}`;
      if (kind === "yours") return `brc100:${hex(keyOf(secret))}`;
      return isTaproot ? `bip322:${hex(outputKey(secret))}` : `ecdsa-secp256k1:${hex(keyOf(secret))}`;
    },
    set: async (change) => await page.evaluate(`void Object.assign(testWallet, ${JSON.stringify(change)})`),
    start: async () => await page.evaluate("testWallet.start()"),
    switchTo: async (account) => await page.evaluate(`testWallet.switchTo(${account})`),
    leave: async () => await page.evaluate("testWallet.leave()"),
    calls: async () => (await page.evaluate("testWallet.calls")) as string[],
  };
}
