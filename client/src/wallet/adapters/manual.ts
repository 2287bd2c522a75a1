/**
 * The wallet made in this browser. Owns: signing in with the play key as the identity key (protocol.md 9).
 * Does not own: where the secret lies (keystore.ts), coins.
 */
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import type { Network } from "@meme-rounds/shared-schema/records";
import { ecdsaIdentity, signBsm } from "@meme-rounds/shared-schema/sign-in";
import type { WalletAdapter } from "./types.ts";

export interface ManualDeps {
  /** Makes the secret silently when there is none. */
  secret: () => Promise<Uint8Array>;
  network: () => Network;
}

export function createManualAdapter(deps: ManualDeps): WalletAdapter {
  return {
    id: "manual",
    kind: "manual",
    name: "Wallet in this browser",
    detect: async () => true,
    connect: async () => ({ address: addressOf(publicKeyOf(await deps.secret()), deps.network()) }),
    async sign({ message }) {
      const secret = await deps.secret();
      const publicKey = publicKeyOf(secret);
      return { signature: signBsm(message, secret), publicKey, identity: ecdsaIdentity(publicKey) };
    },
    onAccountChange: () => () => undefined,
    disconnect: async () => undefined,
  };
}
