/**
 * What a wallet offers at sign-in (protocol.md 4). Owns: joining the wallet's signature with the play key's proof.
 * Does not own: asking the server (session.ts), wallets (adapters/).
 */
import { signCompact } from "@meme-rounds/shared-schema/crypto";
import { playKeyProofBytes } from "@meme-rounds/shared-schema/sign-in";
import type { Claimant } from "../net/session.ts";
import type { WalletAdapter } from "./adapters/types.ts";
import type { Key } from "./play-wallet.ts";

/** Asks the wallet who it is. Rejects when the person declines there. */
export async function claimantOf(adapter: WalletAdapter, key: Key): Promise<Claimant> {
  const { address, identity } = await adapter.connect();
  return {
    wallet: adapter.kind,
    address,
    playKey: key.playKey,
    async prove({ nonce, message }) {
      const signed = await adapter.sign(message);
      return { ...signed, playSig: signCompact(playKeyProofBytes(nonce, identity), key.secret) };
    },
  };
}
