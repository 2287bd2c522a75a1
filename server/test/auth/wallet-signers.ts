/**
 * Wallets that sign honestly, one of each kind and address type, made by other implementations than ours: the BSV SDK,
 * btc-signer, noble. Owns: claims a scheme must accept. Does not own: what is asserted of them.
 */
import { PrivateKey, ProtoWallet } from "@bsv/sdk";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import { signBsm } from "@meme-rounds/shared-schema/sign-in";
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { base58 } from "@scure/base";
import { OutScript, p2pkh, p2sh, p2tr, p2wpkh, RawWitness, Transaction } from "@scure/btc-signer";
import type { SignatureClaim, WalletKind } from "../../src/auth/schemes/index.ts";

export interface SignerCase {
  name: string;
  wallet: WalletKind;
  /** The identity string an accepted claim proves. */
  identity(secret: Uint8Array): string;
  claim(secret: Uint8Array, message: string, nonce: string): Promise<SignatureClaim> | SignatureClaim;
}

const hex = (bytes: Uint8Array | number[]): string => Buffer.from(bytes).toString("hex");
const keyOf = (secret: Uint8Array): Uint8Array => secp256k1.getPublicKey(secret, true);
const xOnly = (secret: Uint8Array): Uint8Array => keyOf(secret).subarray(1);

/** The address of a payment of btc-signer, which has one. */
function addressOf(payment: { address?: string | undefined }): string {
  if (payment.address === undefined) throw new Error("this payment has no address");
  return payment.address;
}

export const addresses = {
  p2pkh: (secret: Uint8Array) => addressOf(p2pkh(keyOf(secret))),
  p2wpkh: (secret: Uint8Array) => addressOf(p2wpkh(keyOf(secret))),
  p2shP2wpkh: (secret: Uint8Array) => addressOf(p2sh(p2wpkh(keyOf(secret)))),
  p2tr: (secret: Uint8Array) => addressOf(p2tr(xOnly(secret))),
};

/** BIP-322's two transactions, built and signed by btc-signer; the witness as base64. */
export function signBip322(
  secret: Uint8Array,
  message: string,
  type: "p2wpkh" | "p2tr",
  scope?: number,
): string {
  const payment = type === "p2tr" ? p2tr(xOnly(secret)) : p2wpkh(keyOf(secret));
  const tag = sha256(Buffer.from("BIP0322-signed-message"));
  const digest = sha256(Buffer.concat([tag, tag, Buffer.from(message, "utf8")]));
  const options = {
    version: 0,
    allowUnknownOutputs: true,
    allowUnknownInputs: true,
    disableScriptCheck: true,
    allowLegacyWitnessUtxo: true,
  };
  const toSpend = new Transaction(options);
  toSpend.addOutput({ script: payment.script, amount: 0n });
  toSpend.addInput({
    txid: new Uint8Array(32),
    index: 0xffffffff,
    sequence: 0,
    finalScriptSig: Buffer.concat([Buffer.of(0, 32), digest]),
  });
  const toSign = new Transaction(options);
  toSign.addInput({
    txid: toSpend.id,
    index: 0,
    sequence: 0,
    witnessUtxo: { script: payment.script, amount: 0n },
    ...(type === "p2tr" ? { tapInternalKey: xOnly(secret) } : {}),
    ...(scope === undefined ? {} : { sighashType: scope }),
  });
  toSign.addOutput({ script: Uint8Array.of(0x6a), amount: 0n });
  toSign.signIdx(secret, 0, scope === undefined ? undefined : [scope]);
  toSign.finalizeIdx(0);
  const witness = toSign.getInput(0).finalScriptWitness;
  if (witness === undefined) throw new Error("not signed");
  return Buffer.from(RawWitness.encode(witness)).toString("base64");
}

/** Signs as a BRC-100 wallet does: DER, hex. */
export async function signBrc100(
  secret: Uint8Array,
  message: string,
  protocolID: [0 | 1 | 2, string],
  keyID: string,
): Promise<string> {
  const wallet = new ProtoWallet(new PrivateKey(hex(secret), "hex"));
  const data = [...Buffer.from(message, "utf8")];
  const { signature } = await wallet.createSignature({ data, protocolID, keyID, counterparty: "anyone" });
  return hex(signature);
}

const ecdsa = (secret: Uint8Array): string => `ecdsa-secp256k1:${hex(keyOf(secret))}`;

const bsmCase = (wallet: WalletKind, type: keyof typeof addresses): SignerCase => ({
  name: `${wallet}, BSM, ${type}`,
  wallet,
  identity: ecdsa,
  claim: (secret, message, nonce) => ({
    nonce,
    message,
    signature: signBsm(message, secret),
    address: addresses[type](secret),
  }),
});

const bip322Case = (
  wallet: WalletKind,
  type: "p2wpkh" | "p2tr",
  variant: { prefix?: string; scope?: number } = {},
): SignerCase => ({
  name: `${wallet}, BIP-322, ${type}${variant.prefix ? ", with prefix" : ""}${variant.scope ? ", scope ALL" : ""}`,
  wallet,
  identity: (secret) => `bip322:${hex(type === "p2tr" ? outputKey(secret) : keyOf(secret))}`,
  claim: (secret, message, nonce) => ({
    nonce,
    message,
    signature: `${variant.prefix ?? ""}${signBip322(secret, message, type, variant.scope)}`,
    address: addresses[type](secret),
  }),
});

/** x only. */
export function outputKey(secret: Uint8Array): Uint8Array {
  const decoded = OutScript.decode(p2tr(xOnly(secret)).script);
  if (decoded.type !== "tr") throw new Error("not Taproot");
  return decoded.pubkey;
}

const phantomCase = (encoding: "base58" | "base64"): SignerCase => ({
  name: `phantom, Ed25519, ${encoding}`,
  wallet: "phantom",
  identity: (secret) => `ed25519:${hex(ed25519.getPublicKey(secret))}`,
  claim(secret, message, nonce) {
    const signature = ed25519.sign(Buffer.from(message, "utf8"), secret);
    return {
      nonce,
      message,
      signature: encoding === "base58" ? base58.encode(signature) : Buffer.from(signature).toString("base64"),
      address: base58.encode(ed25519.getPublicKey(secret)),
    };
  },
});

const brc100Case: SignerCase = {
  name: "yours, BRC-100",
  wallet: "yours",
  identity: (secret) => `brc100:${hex(keyOf(secret))}`,
  claim: async (secret, message, nonce) => ({
    nonce,
    message,
    signature: await signBrc100(secret, message, [2, "memerounds signin"], nonce),
    address: addresses.p2pkh(secret),
    publicKey: hex(keyOf(secret)),
  }),
};

/** Every way in there is. */
export const signerCases: readonly SignerCase[] = [
  bsmCase("manual", "p2pkh"),
  bsmCase("yours", "p2pkh"),
  brc100Case,
  bsmCase("okx", "p2pkh"),
  bsmCase("okx", "p2wpkh"),
  bsmCase("okx", "p2shP2wpkh"),
  bsmCase("unisat", "p2tr"),
  bip322Case("okx", "p2wpkh"),
  bip322Case("unisat", "p2tr"),
  bip322Case("unisat", "p2wpkh", { prefix: "smp" }),
  bip322Case("okx", "p2tr", { prefix: "smp", scope: 1 }),
  phantomCase("base58"),
  phantomCase("base64"),
];
