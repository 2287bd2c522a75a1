/**
 * Yours Wallet up to version 4 at `window.yours` (I1). Owns: which of its calls are used. Does not own: the server's
 * check. Its makers call this provider deprecated; old installs still have only this one.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { provenBy, readBitcoinAddress } from "./bitcoin.ts";
import { createProvider, read, refusalOf, textOf, waitFor } from "./foreign.ts";
import type { AdapterDeps, PayingWallet } from "./types.ts";

const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;
const TXID = /^[0-9a-f]{64}$/;
const HEX = /^(?:[0-9a-f]{2})+$/;

export function createAdapter(deps: AdapterDeps): PayingWallet {
  const find = (): unknown => {
    const yours = read(deps.host, "yours");
    return read(yours, "isReady") === true ? yours : undefined;
  };
  const provider = createProvider("Yours Wallet", find, deps);
  let connected: string | undefined;

  /** Old versions answer a closed window with a text where data should be. */
  const ask = async (method: string, ...args: unknown[]): Promise<unknown> => {
    const answer = await provider.ask(method, ...args);
    const said = textOf(answer) ?? "";
    const error = read(answer, "error") ?? (/dismiss|declin|reject/i.test(said) ? said : undefined);
    if (error) throw refusalOf(error, provider.name);
    return answer;
  };
  return {
    id: "yours-legacy",
    kind: "yours",
    name: provider.name,
    detect: () => waitFor(provider.isThere, deps),
    async connect() {
      connected = undefined;
      const key = textOf(await ask("connect"));
      if (key === undefined)
        throw provider.refuse("SIGNER_LOCKED", "Yours Wallet gave no account: it is locked, or has none.");
      if (!COMPRESSED_KEY.test(key)) throw provider.odd("a key");
      // The main net's address of the key, whichever network the wallet is on: it signs, it does not pay.
      connected = addressOf(key, "main");
      return { address: connected };
    },
    async sign({ message }) {
      const address = connected && readBitcoinAddress(connected);
      if (!address) throw provider.odd("no account, so nothing");
      const signature = textOf(read(await ask("signMessage", { message, encoding: "utf8" }), "sig"));
      if (signature === undefined) throw provider.odd("a signature");
      const signed = provenBy(message, signature, address);
      if (signed === undefined)
        throw provider.refuse("SIGNER_CHANGED", "Yours Wallet is on another account than a moment ago.");
      return signed;
    },
    async network() {
      const network = textOf(await ask("getNetwork"));
      if (network === "mainnet") return "main";
      if (network === "testnet") return "test";
      throw provider.odd("a network");
    },
    async pay(outputs) {
      const answer = await ask(
        "sendBsv",
        outputs.map(({ script, sats }) => ({ script, satoshis: sats })),
      );
      const txid = textOf(read(answer, "txid"));
      if (txid === undefined || !TXID.test(txid)) throw provider.odd("a payment");
      const raw = read(answer, "rawtx");
      return typeof raw === "string" && HEX.test(raw) ? { txid, tx: raw } : { txid };
    },
    onAccountChange(listener) {
      const stops = [
        provider.on("signedOut", () => listener({ kind: "left" })),
        provider.on("switchAccount", () => listener({ kind: "switched" })),
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
