/**
 * What each kind of wallet proves (I1): the seam where further wallets plug in.
 * Owns: checking a wallet's signature and naming the identity behind it. Does not own: challenges, nonces, play keys.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { walletKinds } from "@meme-rounds/shared-schema/rest";
import { ecdsaIdentity, recoverBsm } from "@meme-rounds/shared-schema/sign-in";

export type WalletKind = (typeof walletKinds)[number];

export interface SignatureClaim {
  /** The challenge's exact text. */
  message: string;
  /** In the wallet's own encoding. */
  signature: string;
  /** What the wallet said its address was; proves nothing by itself. */
  address: string;
  /** For wallets whose signatures do not give the key away. */
  publicKey?: string | undefined;
}

/** One kind of wallet. `verify` never throws for bad input: what does not verify is `ok: false`. */
export interface SignatureScheme {
  readonly wallet: WalletKind;
  verify(claim: SignatureClaim): Promise<{ ok: true; identity: string } | { ok: false }>;
}

/** The key made in the browser (protocol.md 9): a BSM signature whose key's P2PKH address is the claimed one. */
export function manualScheme(network: Network): SignatureScheme {
  return {
    wallet: "manual",
    async verify({ message, signature, address, publicKey }) {
      const key = recoverBsm(message, signature);
      if (key === undefined || addressOf(key, network) !== address) return { ok: false };
      if (publicKey !== undefined && publicKey !== key) return { ok: false };
      return { ok: true, identity: ecdsaIdentity(key) };
    },
  };
}

/** The scheme of a wallet kind. Throws WALLET_UNSUPPORTED where none is plugged in. */
export function schemeOf(schemes: readonly SignatureScheme[], wallet: WalletKind): SignatureScheme {
  const scheme = schemes.find((one) => one.wallet === wallet);
  if (scheme === undefined) throw new CodedError("WALLET_UNSUPPORTED");
  return scheme;
}
