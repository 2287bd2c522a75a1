/**
 * Yours Wallet from version 5 on, and any other BRC-100 wallet at `window.CWI` (I1). Owns: which of its calls are used.
 * Does not own: the server's check. Called directly: the SDK's own client is larger than the whole page may be.
 */
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { bytesOf, createProvider, read, textOf, waitFor } from "./foreign.ts";
import type { AdapterDeps, PayingWallet } from "./types.ts";

/** Security level 2: the wallet asks the person for this protocol and counterparty. */
const PROTOCOL = [2, "memerounds signin"] as const;
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;
const TXID = /^[0-9a-f]{64}$/;
/** Where the extension tells what happened to its account. */
const EVENT = "YoursEmitEvent";

export function createAdapter(deps: AdapterDeps): PayingWallet {
  const provider = createProvider("Yours Wallet", () => read(deps.host, "CWI"), deps);
  let connected: string | undefined;

  const identityKey = async (): Promise<string> => {
    const key = textOf(read(await provider.ask("getPublicKey", { identityKey: true }), "publicKey"));
    if (key === undefined || !COMPRESSED_KEY.test(key)) throw provider.odd("a key");
    return key;
  };
  return {
    id: "yours",
    kind: "yours",
    name: provider.name,
    detect: () => waitFor(provider.isThere, deps),
    async connect() {
      connected = undefined;
      const answer = await provider.ask("waitForAuthentication", {});
      if (read(answer, "authenticated") !== true)
        throw provider.refuse("SIGNER_LOCKED", "Yours Wallet is locked or does not know this page yet.");
      connected = await identityKey();
      return { address: addressOf(connected, "main") };
    },
    async sign({ nonce, message }) {
      if (connected === undefined) throw provider.odd("no account, so nothing");
      const publicKey = connected;
      const answer = await provider.ask("createSignature", {
        data: [...new TextEncoder().encode(message)],
        protocolID: PROTOCOL,
        keyID: nonce,
        counterparty: "anyone",
      });
      const signature = bytesOf(read(answer, "signature"));
      if (signature === undefined || signature.length < 8 || signature.length > 72)
        throw provider.odd("a signature");
      if ((await identityKey()) !== publicKey)
        throw provider.refuse("SIGNER_CHANGED", "Yours Wallet is on another account than a moment ago.");
      return { signature: toHex(signature), publicKey, identity: `brc100:${publicKey}` };
    },
    async network() {
      const network = textOf(read(await provider.ask("getNetwork", {}), "network"));
      if (network === "mainnet") return "main";
      if (network === "testnet") return "test";
      throw provider.odd("a network");
    },
    async pay(outputs) {
      const answer = await provider.ask("createAction", {
        description: "Fill the Meme Rounds play wallet",
        outputs: outputs.map(({ script, sats }) => ({
          lockingScript: script,
          satoshis: sats,
          outputDescription: "Play wallet",
        })),
        options: { acceptDelayedBroadcast: false, randomizeOutputs: false },
      });
      const txid = textOf(read(answer, "txid"));
      if (txid === undefined || !TXID.test(txid)) throw provider.odd("a payment");
      const tx = bytesOf(read(answer, "tx"));
      return tx === undefined ? { txid } : { txid, tx: toHex(tx) };
    },
    onAccountChange(listener) {
      const hear = (event: Event): void => {
        const action = read(event, "detail", "action");
        if (action === "signedOut") listener({ kind: "left" });
        if (action === "switchAccount") listener({ kind: "switched" });
      };
      deps.host.addEventListener(EVENT, hear);
      return () => deps.host.removeEventListener(EVENT, hear);
    },
    // BRC-100 has no such call: the person takes the permission back in the wallet.
    async disconnect() {
      connected = undefined;
    },
  };
}
