/**
 * The seam where wallets plug in (I1). Owns: what a wallet must offer to sign in, and to pay where it can.
 * Does not own: any one wallet, or what is done with a signature (claim.ts).
 */
import type { walletKinds } from "@meme-rounds/shared-schema/rest";

/** As the server calls them. */
export type WalletKind = (typeof walletKinds)[number];
/** As the page calls them: one server kind may be two programs. */
export type WalletId = WalletKind | "yours-legacy";

export interface WalletAccount {
  address: string;
}

export interface Signed {
  /** In the wallet's own encoding (facts/wallets.md). */
  signature: string;
  publicKey?: string;
  /** `<scheme>:<public key hex>`: what the play key signs as well (protocol.md 4). */
  identity: string;
}

export interface PaymentOutput {
  /** Locking script, hex. */
  script: string;
  sats: number;
}

export interface Payment {
  txid: string;
  /** Raw transaction or Atomic BEEF, hex, where the wallet hands it out. */
  tx?: string;
}

/** `left`: signed out, locked or disconnected there. A switch may come without saying to which account. */
export type AccountChange = { kind: "switched"; address?: string } | { kind: "left" };

/** All calls reject with a Refusal whose failure has words for the person. */
export interface WalletAdapter {
  readonly id: WalletId;
  readonly kind: WalletKind;
  readonly name: string;
  /** True when it can be used in this browser; waits a moment for one that is only just starting. */
  detect(): Promise<boolean>;
  /** Asks the wallet who it is; may show the wallet's own window. */
  connect(): Promise<WalletAccount>;
  /** Signs a challenge as the account that `connect` gave; rejects when the wallet is on another one by now. */
  sign(challenge: { nonce: string; message: string }): Promise<Signed>;
  /** Where its own coins are, for wallets that can pay. Signing in works on both. */
  network?(): Promise<"main" | "test">;
  /** Pays from the wallet's own coins, where it can. */
  pay?(outputs: readonly PaymentOutput[]): Promise<Payment>;
  /** The account it is on now, where it can tell without showing a window. */
  current?(): Promise<string | undefined>;
  /** Calls back when the person switches accounts or leaves; returns what stops that. */
  onAccountChange(listener: (change: AccountChange) => void): () => void;
  disconnect(): Promise<void>;
}

/** A wallet that can pay by itself. */
export type PayingWallet = WalletAdapter & Required<Pick<WalletAdapter, "network" | "pay">>;

/** Where extensions put their providers: the window. */
export type WalletHost = Pick<EventTarget, "addEventListener" | "removeEventListener">;

export interface AdapterDeps {
  host: WalletHost;
  /** A timer in ms; returns what stops it. */
  after: (ms: number, work: () => void) => () => void;
}
