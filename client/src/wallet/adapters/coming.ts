/**
 * Wallets that people ask for and that cannot sign in yet. Owns: the list. Does not own: their support.
 */
import type { ComingWallet } from "./types.ts";

const advice =
  "Coming soon. Until then play with the wallet in this browser: one tap, and you can back it up.";

export const COMING_WALLETS: readonly ComingWallet[] = [
  { kind: "yours", name: "Yours Wallet", homepage: "https://yours.org", advice },
  { kind: "okx", name: "OKX Wallet", homepage: "https://www.okx.com/web3", advice },
  { kind: "unisat", name: "UniSat", homepage: "https://unisat.io/download", advice },
  { kind: "phantom", name: "Phantom", homepage: "https://phantom.com/download", advice },
];
