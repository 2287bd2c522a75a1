/** What the game needs of the browser. Owns: the list; browser.ts fills it, tests their own. */
import type { WalletHost } from "../wallet/adapters/types.ts";

export interface GameDeps {
  origin: string;
  fetch: typeof fetch;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  indexedDB: IDBFactory;
  /** Of this tab alone. */
  tabStorage: Pick<Storage, "getItem" | "setItem">;
  /** The build of this page; empty where it has no name. */
  build: string;
  /** Calls back when a part of the page cannot be loaded any more. */
  onPartMissing: (listener: () => void) => void;
  /** Somebody is in the middle of something that a reload would throw away. */
  isOccupied: () => boolean;
  crypto: Crypto;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  now: () => number;
  random: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** Before the next picture is drawn. */
  frame: (work: () => void) => void;
  /** Calls back when the page is seen or online again; returns what stops that. */
  onAwake: (listener: () => void) => () => void;
  /** Calls back when a person touches the page; returns what stops that. */
  onUse: (listener: () => void) => () => void;
  /** Undefined in browsers that have none. */
  locks: Pick<LockManager, "request"> | undefined;
  /** Asks the browser not to throw this page's data away. */
  persist: () => Promise<boolean>;
  reload: () => void;
  /** Where wallets put themselves: the window. */
  host: WalletHost;
}
