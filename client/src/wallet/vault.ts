/**
 * The play key while it is in use (I3). Owns: when the secret is in memory and when it is wiped, unlocking, locking
 * after a time without use, the growing wait after wrong passphrases, and that only one tab signs.
 * Does not own: the key at rest (keystore.ts), which tab that is (tab-lock.ts), what is signed.
 */
import { failure, type Outcome } from "../app/model.ts";
import type { FormerKey, KeptKey, KeyContent, Keystore } from "./keystore.ts";
import { failureOf, Refusal } from "./refusal.ts";
import type { TabLock } from "./tab-lock.ts";

export interface Key {
  readonly playKey: string;
  /** Throws a Refusal while the wallet is locked or another tab has it. Read at each signature, never kept. */
  readonly secret: Uint8Array;
}

/** `elsewhere`: another tab plays with it. */
type VaultState = "none" | "open" | "locked" | "elsewhere";

const AUTO_LOCK_MINUTES = [5, 15, 60] as const;
type AutoLockMinutes = (typeof AUTO_LOCK_MINUTES)[number];

export interface Vault {
  state(): VaultState;
  /** What is known of the key, open or not. */
  kept(): KeptKey | undefined;
  key(): Key | undefined;
  /** Finds the key this browser has; makes none. */
  load(): Promise<void>;
  /**
   * A key that can sign: made silently where there is none; where it is locked or elsewhere the person is asked, and
   * this waits. Rejects with WALLET_LOCKED or WALLET_ELSEWHERE when they decline.
   */
  ready(): Promise<Key>;
  unlock(passphrase: string): Promise<Outcome>;
  /** Wipes the secret. Nothing happens without a passphrase: there would be nothing to unlock with. */
  lock(): void;
  /** Plays on in this tab. */
  takeOver(): Promise<void>;
  /** This tab lost the wallet to another, or got it. */
  tabChanged(): Promise<void>;
  /** Reads what is sealed, words' entropy included; rejects like `unlock` refuses. */
  reveal(passphrase: string | undefined): Promise<KeyContent>;
  setPassphrase(now: string | undefined, next: string | undefined): Promise<Outcome>;
  /** Puts another key in the place of this one. */
  replace(content: KeyContent): Promise<void>;
  /** Puts a new key in the place of this one: a play key belongs to one identity for ever (I2). */
  renew(): Promise<void>;
  formers(): Promise<FormerKey[]>;
  /** Swaps a former key and this one. */
  bringBack(id: string): Promise<void>;
  /** The person touches the page. Signing alone is no use: rounds that are joined by themselves keep nothing open. */
  used(): void;
  autoLock(): AutoLockMinutes;
  setAutoLock(minutes: AutoLockMinutes): void;
}

export interface VaultDeps {
  keystore: Keystore;
  tab: TabLock;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  now: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** Asks the person to unlock or to take over; true when it may be tried again. */
  ask: () => Promise<boolean>;
  /** True while money is on its way: it is not locked then. */
  isBusy: () => boolean;
  /** Another tab has put another key in its place: what this page knows is of the former one. */
  otherKey: () => void;
  changed: () => void;
}

const AUTO_LOCK_KEY = "mr:auto-lock";
const TRIES_KEY = "mr:unlock-tries";
const DEFAULT_MINUTES = 15;
const MINUTE_MS = 60_000;
/** While money is on its way, ms. */
const BUSY_MS = 5_000;
/** So many wrong passphrases are typing errors; after them the wait doubles from 2 s on. */
const FREE_TRIES = 3;
const MOST_WAIT_S = 300;

export function createVault(deps: VaultDeps): Vault {
  const { keystore, tab, storage, now } = deps;
  let kept: KeptKey | undefined;
  let secret: Uint8Array | undefined;
  let lastUse = now();
  let cancelTimer = (): void => undefined;
  let looking: Promise<void> | undefined;

  const stateNow = (): VaultState => {
    if (kept === undefined) return "none";
    if (!tab.isHeld()) return "elsewhere";
    return secret === undefined ? "locked" : "open";
  };

  const minutes = (): AutoLockMinutes => {
    const stored = Number(storage.getItem(AUTO_LOCK_KEY));
    return AUTO_LOCK_MINUTES.find((one) => one === stored) ?? DEFAULT_MINUTES;
  };
  const isIdle = (): boolean => now() - lastUse >= minutes() * MINUTE_MS;

  const wipe = (): void => {
    secret?.fill(0);
    secret = undefined;
    cancelTimer();
  };
  const watch = (): void => {
    cancelTimer();
    if (kept?.hasPassphrase !== true || secret === undefined) return;
    const left = lastUse + minutes() * MINUTE_MS - now();
    cancelTimer = deps.after(Math.max(left, BUSY_MS), () => {
      if (isIdle() && !deps.isBusy()) lock();
      else watch();
    });
  };
  const lock = (): void => {
    if (kept?.hasPassphrase !== true || secret === undefined) return;
    wipe();
    deps.changed();
  };
  /** A computer that slept runs no timers: whatever comes first after it finds the wallet locked all the same. */
  const lockIfIdle = (): void => {
    if (isIdle() && !deps.isBusy()) lock();
  };

  const refuse = (): Refusal =>
    stateNow() === "elsewhere"
      ? new Refusal("WALLET_ELSEWHERE", "This wallet is in use in another tab.")
      : new Refusal("WALLET_LOCKED", "The wallet is locked.");

  const key: Key = {
    get playKey() {
      return kept?.playKey ?? "";
    },
    get secret() {
      lockIfIdle();
      if (secret === undefined || !tab.isHeld()) throw refuse();
      return secret;
    },
  };

  const opened = (content: KeyContent): void => {
    wipe();
    secret = content.secret;
    content.entropy?.fill(0);
    lastUse = now();
    watch();
  };

  /** A key that is not under a passphrase is open at once, in the tab that plays. */
  const adopt = async (found: KeptKey): Promise<void> => {
    if (found.playKey !== kept?.playKey) wipe();
    kept = found;
    await tab.hold();
    if (tab.isHeld() && !found.hasPassphrase && secret === undefined) opened(await keystore.open());
    // Lost meanwhile: what this tab may not use it does not keep either.
    if (!tab.isHeld()) wipe();
    deps.changed();
  };
  /** What another tab may have done to the key: sealed it anew, put another in its place. */
  const lookAgain = (): Promise<void> => {
    const look = async (): Promise<void> => {
      const before = kept?.playKey;
      const found = await keystore.look();
      if (found === undefined) return;
      await adopt(found);
      if (before !== undefined && before !== found.playKey) deps.otherKey();
    };
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  const tries = (): { wrong: number; until: number } => {
    const [wrong = 0, until = 0] = (storage.getItem(TRIES_KEY) ?? "").split(":").map(Number);
    return { wrong: wrong || 0, until: until || 0 };
  };
  /** Opens what is sealed; wrong passphrases cost time, over reloads too. */
  const reveal = async (passphrase: string | undefined): Promise<KeyContent> => {
    if (kept?.hasPassphrase !== true) return await keystore.open();
    const { wrong, until } = tries();
    const wait = Math.ceil((Math.min(until, now() + MOST_WAIT_S * 1000) - now()) / 1000);
    if (wait > 0)
      throw new Refusal("PASSPHRASE_WRONG", `After ${wrong} wrong passphrases: wait another ${wait} s.`);
    try {
      const content = await keystore.open(passphrase ?? "");
      storage.removeItem(TRIES_KEY);
      return content;
    } catch (error) {
      if (failureOf(error).code === "PASSPHRASE_WRONG") {
        const more = wrong + 1 - FREE_TRIES;
        const next = more < 0 ? 0 : Math.min(MOST_WAIT_S, 2 ** (more + 1));
        storage.setItem(TRIES_KEY, `${wrong + 1}:${now() + next * 1000}`);
      }
      throw error;
    }
  };
  const told = async (work: () => Promise<void>): Promise<Outcome> => {
    try {
      await work();
      return { ok: true };
    } catch (error) {
      return failureOf(error);
    }
  };

  return {
    state: stateNow,
    kept: () => kept,
    key: () => (kept === undefined ? undefined : key),
    async load() {
      if (kept !== undefined) return;
      const found = await keystore.look();
      if (found !== undefined) await adopt(found);
    },
    async ready() {
      if (kept === undefined) await adopt(await keystore.create());
      lockIfIdle();
      while (stateNow() !== "open") {
        if (tab.isHeld() && !kept?.hasPassphrase) await lookAgain();
        else if (!(await deps.ask())) throw refuse();
      }
      return key;
    },
    unlock: (passphrase) =>
      told(async () => {
        opened(await reveal(passphrase));
        deps.changed();
      }),
    lock,
    async takeOver() {
      await tab.takeOver();
      await lookAgain();
    },
    async tabChanged() {
      if (tab.isHeld()) return await lookAgain();
      wipe();
      deps.changed();
    },
    reveal,
    async setPassphrase(before, next) {
      if (stateNow() === "elsewhere") return refuse().failure;
      if (next !== undefined && next.trim().length < 8)
        return failure("BAD_REQUEST", "Take a passphrase of at least 8 characters.");
      return await told(async () => {
        const content = await reveal(before);
        kept = await keystore.reseal(content, next);
        opened(content);
        deps.changed();
      });
    },
    async replace(content) {
      if (stateNow() === "elsewhere") throw refuse();
      await adopt(await keystore.replace(content));
    },
    async renew() {
      if (stateNow() === "elsewhere") throw refuse();
      await adopt(await keystore.renew());
    },
    formers: keystore.formers,
    async bringBack(id) {
      if (stateNow() === "elsewhere") throw refuse();
      await adopt(await keystore.bringBack(id));
    },
    used() {
      lockIfIdle();
      lastUse = now();
    },
    autoLock: minutes,
    setAutoLock(next) {
      storage.setItem(AUTO_LOCK_KEY, String(next));
      watch();
      deps.changed();
    },
  };
}
