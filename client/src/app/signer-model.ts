/** What the page shows of the wallet that signs in, and what a person can do with it. Does not own: how either is made. */
import type { WalletId } from "../wallet/adapters/types.ts";
import type { Outcome } from "./model.ts";

export interface SignerVm {
  /** The wallet that signed in last in this browser; "manual" before anybody did. */
  id: WalletId;
  name: string;
  /** Empty for "manual": the play wallet's own. */
  address: string;
  /** While signed in: the wallet went on to another account, or left. The session stays what it was. */
  now: "same" | "switched" | "left";
  /** Where it switched to, when it said so. */
  nowAddress: string;
}

export interface SignerActions {
  /** Without an id: as the play key here is used to, else as last time. Shows the wallet's window where it has one. */
  signIn(id?: WalletId): Promise<Outcome>;
  /** Stops waiting for a wallet's window. */
  cancel(): void;
  /** Plays on as before although the wallet is on another account. */
  stay(): void;
}

export const NO_SIGNER: SignerVm = { id: "manual", name: "", address: "", now: "same", nowAddress: "" };
