/**
 * What a wallet offers at sign-in (protocol.md 4). Owns: joining the wallet's signature with the play key's proof, and
 * that the text signed is the one that was asked for. Does not own: asking the server (session.ts), wallets (adapters/).
 */
import { signCompact } from "@meme-rounds/shared-schema/crypto";
import { playKeyProofBytes } from "@meme-rounds/shared-schema/sign-in";
import type { Claimant } from "../net/session.ts";
import type { WalletAdapter } from "./adapters/types.ts";
import { Refusal } from "./refusal.ts";
import type { Key } from "./vault.ts";

/**
 * Asks the wallet who it is, and for that account's play key. Rejects with a Refusal when the person declines there,
 * or the server hands out another text than one for this account and key.
 */
export async function claimantOf(
  adapter: Pick<WalletAdapter, "kind" | "connect" | "sign">,
  keyFor: (address: string) => Promise<Key>,
): Promise<Claimant> {
  const { address } = await adapter.connect();
  const key = await keyFor(address);
  const { playKey } = key;
  return {
    wallet: adapter.kind,
    address,
    playKey,
    async prove({ nonce, message }) {
      const lines = new Set(message.split("\n"));
      // A wallet's key may stand for more than this game: it signs nothing that a server made up.
      const said = [`Address: ${address}`, `Play key: ${playKey}`, `Nonce: ${nonce}`];
      if (!said.every((line) => lines.has(line)))
        throw new Refusal(
          "SIGNER_FAILED",
          "The server asked for a signature of something else. Nothing was signed.",
        );
      const { identity, ...signed } = await adapter.sign({ nonce, message });
      return { ...signed, playSig: signCompact(playKeyProofBytes(nonce, identity), key.secret) };
    },
  };
}
