/**
 * What OKX and UniSat have in common (I1): one Bitcoin account that signs texts. Owns: the order of connecting and
 * signing, and that it is one account throughout. Does not own: their providers (okx.ts, unisat.ts).
 */
import { type BitcoinAddress, isTestAddress, provenBy, readBitcoinAddress } from "./bitcoin.ts";
import { type Provider, textOf, waitFor } from "./foreign.ts";
import type { AccountChange, AdapterDeps, WalletAdapter, WalletKind } from "./types.ts";

export interface BitcoinWallet {
  kind: Extract<WalletKind, "okx" | "unisat">;
  provider: Provider;
  /** Asks for the account, on the main net; the answer is foreign. */
  account(): Promise<unknown>;
  /** The account as it is now, without a window; undefined when the wallet cannot tell. */
  current(): Promise<unknown>;
  /** How to get to the main net, for the person. */
  mainNet: string;
  /** What its events mean, by name; undefined means nothing. */
  events: Record<string, (detail: unknown) => AccountChange | undefined>;
}

export function createBitcoinAdapter(wallet: BitcoinWallet, deps: AdapterDeps): WalletAdapter {
  const { kind, provider } = wallet;
  let connected: { text: string; address: BitcoinAddress } | undefined;

  const sameAccount = async (text: string): Promise<void> => {
    const now = textOf(await wallet.current());
    if (now !== undefined && now !== text)
      throw provider.refuse("SIGNER_CHANGED", `${provider.name} is on another account than a moment ago.`);
  };

  return {
    id: kind,
    kind,
    name: provider.name,
    detect: () => waitFor(provider.isThere, deps),
    async connect() {
      connected = undefined;
      const text = textOf(await wallet.account());
      if (text === undefined)
        throw provider.refuse(
          "SIGNER_LOCKED",
          `${provider.name} gave no account: it is locked, or has none.`,
        );
      if (isTestAddress(text))
        throw provider.refuse("WALLET_NETWORK", `${provider.name} is on a test network. ${wallet.mainNet}`);
      const address = readBitcoinAddress(text);
      if (address === undefined) throw provider.odd("an address");
      connected = { text, address };
      return { address: text };
    },
    async sign({ message }) {
      if (connected === undefined) throw provider.odd("no account, so nothing");
      const { text, address } = connected;
      await sameAccount(text);
      const how = address.kind === "p2tr" ? "bip322-simple" : "ecdsa";
      const signature = textOf(await provider.ask("signMessage", message, how));
      if (signature === undefined) throw provider.odd("a signature");
      await sameAccount(text);
      const signed = provenBy(message, signature, address);
      if (signed === undefined)
        throw provider.refuse("SIGNER_CHANGED", `${provider.name} has signed with another key than ${text}.`);
      return signed;
    },
    current: async () => textOf(await wallet.current()),
    onAccountChange(listener) {
      const stops = Object.entries(wallet.events).map(([event, meaning]) =>
        provider.on(event, (detail) => {
          const change = meaning(detail);
          if (change !== undefined) listener(change);
        }),
      );
      return () => {
        for (const stop of stops) stop();
      };
    },
    async disconnect() {
      connected = undefined;
      if (provider.has("disconnect")) await provider.tell("disconnect");
    },
  };
}

/** An event's list of accounts: the first counts, none means that the wallet has left. */
export function changeOf(accounts: unknown): AccountChange {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : accounts;
  const address = textOf(first);
  return address === undefined ? { kind: "left" } : { kind: "switched", address };
}
