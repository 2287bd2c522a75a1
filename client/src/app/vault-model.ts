/** What the page shows of the wallet's key and what a person can do with it. Does not own: how either is made. */
import type { Failure, Outcome } from "./model.ts";

export interface VaultVm {
  /** `elsewhere`: another tab plays with it. */
  state: "none" | "open" | "locked" | "elsewhere";
  /** Something waits for the person to unlock it, or to take it over. */
  asking: boolean;
  hasWords: boolean;
  hasPassphrase: boolean;
  autoLockMinutes: 5 | 15 | 60;
  /** The words were written down, or a file was saved. */
  isBackedUp: boolean;
  /** Time to remind of a backup. */
  remind: boolean;
}

export const NO_VAULT: VaultVm = {
  state: "none",
  asking: false,
  hasWords: false,
  hasPassphrase: false,
  autoLockMinutes: 15,
  isBackedUp: false,
  remind: false,
};

export interface FormerVm {
  id: string;
  address: string;
  /** When it was put aside, ms; 0 where that is not known. */
  at: number;
}

export interface Backup {
  fileName: string;
  json: string;
}

/** `passphrase` is the wallet's own, where it has one. */
export interface VaultActions {
  /** Has the person asked for whatever keeps the key closed. */
  open(): Promise<Outcome>;
  unlock(passphrase: string): Promise<Outcome>;
  takeOver(): Promise<Outcome>;
  /** The person does not want to unlock or take over now. */
  decline(): void;
  lock(): void;
  /** `next` undefined: without a passphrase from now on. */
  setPassphrase(now: string | undefined, next: string | undefined): Promise<Outcome>;
  setAutoLock(minutes: VaultVm["autoLockMinutes"]): void;
  words(passphrase?: string): Promise<{ ok: true; words: string[] } | Failure>;
  wif(passphrase?: string): Promise<{ ok: true; wif: string } | Failure>;
  /** A file sealed with `filePassphrase`. */
  file(filePassphrase: string, passphrase?: string): Promise<{ ok: true; backup: Backup } | Failure>;
  /** The person has a backup now. */
  saved(kind: "words" | "file"): void;
  /** Waves the reminder away for a day. */
  dismiss(): void;
  /** `typed`: words, a key (WIF), or a file's text. Fails with PASSPHRASE_WRONG where the file needs its passphrase. */
  restore(typed: string, passphrase?: string): Promise<Outcome>;
  formers(): Promise<FormerVm[]>;
  bringBack(id: string): Promise<Outcome>;
}
