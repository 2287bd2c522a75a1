/**
 * The seam where wallets plug in (I1). Owns: what a wallet must offer to sign in. Does not own: any one wallet.
 */
import type { walletKinds } from "@meme-rounds/shared-schema/rest";

export type WalletKind = (typeof walletKinds)[number];

export interface WalletAccount {
  address: string;
  /** `<scheme>:<public key hex>`; what the play key signs at sign-in (protocol.md 4). */
  identity: string;
}

export interface WalletAdapter {
  readonly kind: WalletKind;
  readonly name: string;
  /** True when it can be used in this browser, now. */
  detect(): Promise<boolean>;
  /** Asks the wallet who it is; may show the wallet's own window. Rejects when the person declines. */
  connect(): Promise<WalletAccount>;
  /** Signs a text in the wallet's own encoding. Rejects when the person declines. */
  sign(message: string): Promise<{ signature: string; publicKey?: string }>;
  /** Pays sat to a P2PKH address, where the wallet can; answers with the txid. */
  pay?(address: string, sats: number): Promise<string>;
  /** Calls back when the person switches accounts; returns what stops that. */
  onAccountChange(listener: () => void): () => void;
  disconnect(): Promise<void>;
}

/** A wallet that is not supported yet. */
export interface ComingWallet {
  readonly kind: WalletKind;
  readonly name: string;
  /** Where people get it. */
  readonly homepage: string;
  /** One sentence: what to do meanwhile. */
  readonly advice: string;
}
