/**
 * What each kind of wallet proves (I1): one scheme per kind. Owns: which signatures a kind may send, the limits before
 * any arithmetic, the identity string. Does not own: the arithmetic (bsm, bip322, ed25519, brc100), challenges, nonces,
 * play keys.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { walletKinds } from "@meme-rounds/shared-schema/rest";
import { ecdsaIdentity } from "@meme-rounds/shared-schema/sign-in";
import { type Curve, createCurve } from "../../infra/curve.ts";
import { isAddressOf, taprootOutputKey } from "./addresses.ts";
import { bip322Signer } from "./bip322.ts";
import { SIGN_IN_PROTOCOL, verifyBrc100 } from "./brc100.ts";
import { bsmSigner, looksLikeBsm } from "./bsm.ts";
import { ed25519Signer } from "./ed25519.ts";

export type WalletKind = (typeof walletKinds)[number];

export interface SignatureClaim {
  /** The challenge's nonce: BRC-100 wallets derive the signing key from it. */
  nonce: string;
  /** The challenge's exact text. */
  message: string;
  /** In the wallet's own encoding. */
  signature: string;
  /** What the wallet said its address was; proves nothing by itself. */
  address: string;
  /** Needed where a signature does not give its key away; where it does, it must be that key. */
  publicKey?: string | undefined;
}

export type SignatureVerdict = { ok: true; identity: string } | { ok: false };

/** One kind of wallet. `verify` never throws for bad input: what does not verify is `ok: false`. */
export interface SignatureScheme {
  readonly wallet: WalletKind;
  verify(claim: SignatureClaim): SignatureVerdict;
}

/** Longer ones are refused unread. The longest signature of a wallet is BIP-322's of P2WPKH, 151 characters. */
const MOST = { message: 4_096, signature: 160, address: 100, publicKey: 130 };
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;
const X_ONLY_KEY = /^[0-9a-f]{64}$/;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function isWithinLimits({ message, signature, address, publicKey = "" }: SignatureClaim): boolean {
  const isShort =
    message.length <= MOST.message &&
    signature.length <= MOST.signature &&
    address.length <= MOST.address &&
    publicKey.length <= MOST.publicKey;
  // A lone surrogate becomes U+FFFD in UTF-8: two texts would share one signature.
  return isShort && message.isWellFormed();
}

/** The identity that a claim proves; undefined when it proves none. */
type Proof = (claim: SignatureClaim) => string | undefined;

const scheme = (wallet: WalletKind, proof: Proof): SignatureScheme => ({
  wallet,
  verify(claim) {
    const identity = isWithinLimits(claim) ? proof(claim) : undefined;
    return identity === undefined ? { ok: false } : { ok: true, identity };
  },
});

/** The key made in the browser (protocol.md 9): BSM by the key whose P2PKH address on `network` is the claimed one. */
const manualProof =
  (network: Network, curve: Curve): Proof =>
  ({ message, signature, address, publicKey }) => {
    const signer = bsmSigner(message, signature, curve);
    if (signer === undefined) return undefined;
    const key = hex(signer);
    if (addressOf(key, network) !== address || (publicKey !== undefined && publicKey !== key))
      return undefined;
    return ecdsaIdentity(key);
  };

/** Yours v5 by its identity key (BRC-100), older ones by BSM; both with the key's P2PKH address of the main net. */
const yoursProof = (curve: Curve): Proof => {
  const legacy = manualProof("main", curve);
  return (claim) => {
    const { nonce, message, signature, address, publicKey } = claim;
    if (looksLikeBsm(signature)) return legacy(claim);
    if (publicKey === undefined || !COMPRESSED_KEY.test(publicKey)) return undefined;
    if (addressOf(publicKey, "main") !== address) return undefined;
    const protocol = { protocolID: SIGN_IN_PROTOCOL, keyID: nonce };
    const isSigned = verifyBrc100(message, signature, Buffer.from(publicKey, "hex"), protocol, curve);
    return isSigned ? `brc100:${publicKey}` : undefined;
  };
};

/** True for the compressed or x-only form of the key, as wallets give it for Taproot accounts. */
const isKey = (publicKey: string, compressed: Uint8Array): boolean =>
  publicKey === hex(compressed) || publicKey === hex(compressed.subarray(1));

/** True when the key, compressed or x-only, is the output key or the internal key of it. */
function isTaprootKey(publicKey: string, outputKey: Uint8Array, curve: Curve): boolean {
  const xOnly = COMPRESSED_KEY.test(publicKey) ? publicKey.slice(2) : publicKey;
  if (!X_ONLY_KEY.test(xOnly)) return false;
  if (xOnly === hex(outputKey)) return true;
  const tweaked = taprootOutputKey(Buffer.from(xOnly, "hex"), curve);
  return tweaked !== undefined && hex(tweaked) === hex(outputKey);
}

/** OKX and UniSat: "ecdsa" over any address of one key, or BIP-322 simple over P2WPKH and P2TR; main net only. */
const bitcoinProof =
  (curve: Curve): Proof =>
  ({ message, signature, address, publicKey }) => {
    if (looksLikeBsm(signature)) {
      const signer = bsmSigner(message, signature, curve);
      if (signer === undefined || !isAddressOf(address, signer, curve)) return undefined;
      return publicKey === undefined || isKey(publicKey, signer) ? ecdsaIdentity(hex(signer)) : undefined;
    }
    const signer = bip322Signer(message, signature, address, curve);
    if (signer === undefined) return undefined;
    const isFit =
      publicKey === undefined ||
      (signer.length === 32 ? isTaprootKey(publicKey, signer, curve) : isKey(publicKey, signer));
    return isFit ? `bip322:${hex(signer)}` : undefined;
  };

/** Phantom: the address is the key. */
const phantomProof: Proof = ({ message, signature, address, publicKey }) => {
  if (publicKey !== undefined && publicKey !== address) return undefined;
  const signer = ed25519Signer(message, signature, address);
  return signer && `ed25519:${hex(signer)}`;
};

/** Every wallet kind's scheme. `network` is the game's: the manual wallet's address is one of it. */
export function createSchemes(
  options: { network: Network },
  deps: { curve: Curve } = { curve: createCurve() },
): SignatureScheme[] {
  const { curve } = deps;
  return [
    scheme("manual", manualProof(options.network, curve)),
    scheme("yours", yoursProof(curve)),
    scheme("okx", bitcoinProof(curve)),
    scheme("unisat", bitcoinProof(curve)),
    scheme("phantom", phantomProof),
  ];
}

/** The scheme of a wallet kind. Throws WALLET_UNSUPPORTED where none is plugged in. */
export function schemeOf(schemes: readonly SignatureScheme[], wallet: WalletKind): SignatureScheme {
  const found = schemes.find((one) => one.wallet === wallet);
  if (found === undefined) throw new CodedError("WALLET_UNSUPPORTED");
  return found;
}
