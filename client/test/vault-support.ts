/**
 * A browser for the wallet's key, in memory: a shelf that fails or dies where a test says, locks, tabs.
 * Holds no assertion but that a key which is open signs for its own address.
 */
import assert from "node:assert/strict";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { createKeystore, type Keystore } from "../src/wallet/keystore.ts";
import { failureOf } from "../src/wallet/refusal.ts";
import type { Shelf } from "../src/wallet/shelf.ts";
import { createTabLock } from "../src/wallet/tab-lock.ts";
import { createVault, type Vault } from "../src/wallet/vault.ts";
import { createTestTime, memoryStorage } from "./support.ts";

export interface TestShelf extends Shelf {
  /** What is on the disk. */
  records: Map<string, unknown>;
  /** The calls from this one on fail; `after`: the write itself still happens, its answer is lost. */
  failFrom(call: number, how: "before" | "after"): void;
  heal(): void;
  calls(): number;
}

export function createTestShelf(records = new Map<string, unknown>()): TestShelf {
  let calls = 0;
  let fails = { from: Number.POSITIVE_INFINITY, how: "before" as "before" | "after" };
  const begin = (): boolean => {
    const isBad = ++calls >= fails.from;
    if (isBad && fails.how === "before") throw new Error("the disk is full");
    return isBad;
  };
  return {
    records,
    calls: () => calls,
    heal() {
      calls = 0;
      fails = { ...fails, from: Number.POSITIVE_INFINITY };
    },
    failFrom(call, how) {
      calls = 0;
      fails = { from: call, how };
    },
    async read(name) {
      if (begin()) throw new Error("the tab died");
      return records.get(name);
    },
    async names() {
      if (begin()) throw new Error("the tab died");
      return [...records.keys()];
    },
    async write(puts, unless) {
      const isBad = begin();
      const is = unless.is(records.get(unless.name));
      if (is) for (const [name, value] of Object.entries(puts)) records.set(name, value);
      if (isBad) throw new Error("the tab died");
      return is;
    },
  };
}

/** Names are held one at a time, over everybody who has this lock. */
export function createTestLock(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const mine = (tails.get(name) ?? Promise.resolve()).then(work, work);
    tails.set(
      name,
      mine.catch(() => undefined),
    );
    return await mine;
  };
}

export const keystoreOn = (shelf: Shelf, lock = createTestLock()): Keystore =>
  createKeystore({ shelf, crypto, lock, now: () => 1_800_000_000_000 });

interface Waiting {
  tab: object;
  grant: () => void;
}

/** The Locks API of one browser; `tab()` is what one tab of it sees, and `crash` what happens when it is gone. */
function createTestLocks() {
  let holder: { tab: object; robbed: () => void } | undefined;
  let line: Waiting[] = [];
  const next = (): void => {
    const first = line.shift();
    first?.grant();
  };
  return {
    tab() {
      const tab = {};
      let isDead = false;
      return {
        crash(): void {
          isDead = true;
          line = line.filter((one) => one.tab !== tab);
          if (holder?.tab !== tab) return;
          holder = undefined;
          next();
        },
        request: async (
          _name: string,
          options: LockOptions,
          work: (lock: Lock | null) => Promise<unknown> | unknown,
        ): Promise<unknown> => {
          const held = (): Promise<unknown> =>
            new Promise((resolve, reject) => {
              const mine = {
                tab,
                robbed: () => !isDead && reject(new DOMException("stolen", "AbortError")),
              };
              holder = mine;
              void Promise.resolve(work({ name: "mr:tab", mode: "exclusive" })).then((value) => {
                if (holder === mine) {
                  holder = undefined;
                  next();
                }
                resolve(value);
              });
            });
          await Promise.resolve();
          if (options.steal) {
            holder?.robbed();
            return await held();
          }
          if (holder === undefined) return await held();
          if (options.ifAvailable) return await work(null);
          return await new Promise((resolve, reject) => {
            line.push({ tab, grant: () => void held().then(resolve, reject) });
          });
        },
      };
    },
  };
}

/** One browser: its disk, its locks. Each `tab` is a page in it. */
export function createBrowser(options: { locks?: boolean } = {}) {
  const shelf = createTestShelf();
  const lock = createTestLock();
  const locks = createTestLocks();
  const storage = memoryStorage();
  const time = createTestTime();
  return {
    time,
    shelf,
    storage,
    tab() {
      const mine = locks.tab();
      const world = { asked: 0, answer: async (): Promise<boolean> => false, isBusy: false, otherKeys: 0 };
      const tab = createTabLock({
        locks: options.locks === false ? undefined : (mine as unknown as LockManager),
        changed: () => void vault.tabChanged(),
      });
      const vault: Vault = createVault({
        keystore: keystoreOn(shelf, lock),
        tab,
        storage,
        now: time.now,
        after: time.after,
        ask: async () => {
          world.asked++;
          return await world.answer();
        },
        isBusy: () => world.isBusy,
        otherKey: () => world.otherKeys++,
        changed: () => undefined,
      });
      return { vault, world, crash: mine.crash };
    },
  };
}

/** The play key of an open vault. */
export const openKeyOf = (vault: Vault): string => {
  const key = vault.key();
  assert.ok(key);
  assert.equal(publicKeyOf(key.secret), key.playKey);
  return key.playKey;
};
/** The code of the refusal. */
export const codeAt = (work: () => unknown): string => {
  try {
    work();
    return "it worked";
  } catch (error) {
    return failureOf(error).code;
  }
};
export const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "it worked",
    (error: unknown) => failureOf(error).code,
  );
