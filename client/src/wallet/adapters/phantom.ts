/** Phantom (I1): its Solana provider. Owns: which of its calls are used. Does not own: checking (the server's schemes). */
import { decodeBase58 } from "@meme-rounds/shared-schema/base58";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { verifyEd25519 } from "@meme-rounds/shared-schema/crypto";
import { bytesOf, createProvider, read, textOf, waitFor } from "./foreign.ts";
import type { AdapterDeps, WalletAdapter } from "./types.ts";

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** A public key as Phantom gives it: an object that writes itself as base58, or the text. */
function addressOf(key: unknown): string | undefined {
  let text = textOf(key);
  try {
    text ??= textOf(String(key));
  } catch {
    return undefined; // It does not write itself at all.
  }
  return text !== undefined && decodeBase58(text)?.length === KEY_BYTES ? text : undefined;
}

export function createAdapter(deps: AdapterDeps): WalletAdapter {
  const find = (): unknown => {
    const solana = read(deps.host, "phantom", "solana");
    return read(solana, "isPhantom") === true ? solana : undefined;
  };
  const provider = createProvider("Phantom", find, deps);
  let connected: string | undefined;
  return {
    id: "phantom",
    kind: "phantom",
    name: provider.name,
    detect: () => waitFor(provider.isThere, deps),
    async connect() {
      connected = undefined;
      const address = addressOf(read(await provider.ask("connect"), "publicKey"));
      if (address === undefined) throw provider.odd("an account");
      connected = address;
      return { address };
    },
    async sign({ message }) {
      const key = connected && decodeBase58(connected);
      if (!key) throw provider.odd("no account, so nothing");
      const bytes = new TextEncoder().encode(message);
      const answer = await provider.ask("signMessage", bytes, "utf8");
      const raw = read(answer, "signature");
      // Its SDK for pages gives texts where the extension gives bytes.
      const signature = bytesOf(raw) ?? decodeBase58(textOf(raw) ?? "");
      if (signature?.length !== SIGNATURE_BYTES) throw provider.odd("a signature");
      const publicKey = toHex(key);
      if (!verifyEd25519(bytes, toHex(signature), publicKey))
        throw provider.refuse("SIGNER_CHANGED", `Phantom has signed with another account than ${connected}.`);
      return { signature: btoa(String.fromCharCode(...signature)), identity: `ed25519:${publicKey}` };
    },
    // It tells of account changes only once it is connected, after each page load.
    current: async () =>
      addressOf(read(await provider.tell("connect", { onlyIfTrusted: true }), "publicKey")),
    onAccountChange(listener) {
      const stops = [
        provider.on("accountChanged", (key) => {
          const address = addressOf(key);
          // Null: an account that this page may not see yet.
          listener(address === undefined ? { kind: "switched" } : { kind: "switched", address });
        }),
        provider.on("disconnect", () => listener({ kind: "left" })),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
    async disconnect() {
      connected = undefined;
      if (provider.isThere()) await provider.tell("disconnect");
    },
  };
}
