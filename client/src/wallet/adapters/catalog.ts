/**
 * Which wallets there are (I1). Owns: their names, where people get them, whether one is in this browser, and loading
 * the code for it. Does not own: what that code does. Loaded when somebody looks for a wallet, not with the page.
 */
import { read } from "./foreign.ts";
import type { AdapterDeps, PayingWallet, WalletAdapter, WalletHost, WalletId } from "./types.ts";

export type InstalledId = Exclude<WalletId, "manual">;

export interface CatalogEntry {
  readonly id: InstalledId;
  readonly name: string;
  /** Where people get it. */
  readonly homepage: string;
  /** One line on what it can do here. */
  readonly about: string;
  /** Not offered to people who do not have it. */
  readonly isOld?: boolean;
  isHere(host: WalletHost): boolean;
  load(): Promise<{ createAdapter(deps: AdapterDeps): WalletAdapter }>;
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

export const CATALOG: readonly CatalogEntry[] = [
  {
    id: "yours",
    name: "Yours Wallet",
    homepage: "https://yours.org",
    about: "Signs in, and fills your play wallet in one press. Other BRC-100 wallets work too.",
    isHere: (host) => isObject(read(host, "CWI")),
    load: () => import("./yours.ts"),
  },
  {
    id: "yours-legacy",
    name: "Yours Wallet (before version 5)",
    homepage: "https://yours.org",
    about: "Signs in and fills your play wallet. A newer version is out.",
    isOld: true,
    isHere: (host) => read(host, "yours", "isReady") === true,
    load: () => import("./yours-legacy.ts"),
  },
  {
    id: "okx",
    name: "OKX Wallet",
    homepage: "https://www.okx.com/web3",
    about: "Signs in; the play wallet of this browser pays.",
    isHere: (host) => isObject(read(host, "okxwallet", "bitcoin")),
    load: () => import("./okx.ts"),
  },
  {
    id: "unisat",
    name: "UniSat",
    homepage: "https://unisat.io/download",
    about: "Signs in; the play wallet of this browser pays.",
    isHere: (host) => isObject(read(host, "unisat_wallet")) || isObject(read(host, "unisat")),
    load: () => import("./unisat.ts"),
  },
  {
    id: "phantom",
    name: "Phantom",
    homepage: "https://phantom.com/download",
    about: "Signs in; the play wallet of this browser pays.",
    isHere: (host) => read(host, "phantom", "solana", "isPhantom") === true,
    load: () => import("./phantom.ts"),
  },
];

const canPay = (adapter: WalletAdapter): adapter is PayingWallet =>
  adapter.pay !== undefined && adapter.network !== undefined;

/** The adapter of one wallet, whether it is installed or not. Rejects when its code cannot be loaded. */
export async function loadAdapter(id: InstalledId, deps: AdapterDeps): Promise<WalletAdapter> {
  const entry = CATALOG.find((one) => one.id === id);
  if (entry === undefined) throw new RangeError(`${id} is no wallet of this page`);
  return (await entry.load()).createAdapter(deps);
}

/** A wallet in this browser that can pay by itself, the newer one first; undefined when there is none. */
export async function payingWallet(deps: AdapterDeps): Promise<PayingWallet | undefined> {
  for (const { isHere, load } of CATALOG) {
    if (!isHere(deps.host)) continue;
    const adapter = (await load()).createAdapter(deps);
    if (canPay(adapter)) return adapter;
  }
  return undefined;
}

/** Events that late extensions announce themselves with; the others are simply looked for again. */
const ANNOUNCED = ["unisat#initialized", "okxwallet#initialized", "phantom#initialized"];
const LOOK_MS = [100, 300, 700, 1_500, 3_000, 6_000];

/** Tells which wallets are in this browser, at once and again when one comes late; returns what stops that. */
export function watchWallets(
  deps: AdapterDeps,
  listener: (found: readonly InstalledId[]) => void,
): () => void {
  let told: string | undefined;
  const look = (): void => {
    const found = CATALOG.filter(({ isHere }) => isHere(deps.host)).map(({ id }) => id);
    if (found.join() === told) return;
    told = found.join();
    listener(found);
  };
  look();
  for (const event of ANNOUNCED) deps.host.addEventListener(event, look);
  const stops = LOOK_MS.map((ms) => deps.after(ms, look));
  return () => {
    for (const event of ANNOUNCED) deps.host.removeEventListener(event, look);
    for (const stop of stops) stop();
  };
}
