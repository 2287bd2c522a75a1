/** A shelf in memory that fails or dies where a test says, and browsers' locks. Holds no assertion. */
import { createKeystore, type Keystore } from "../src/wallet/keystore.ts";
import type { Shelf } from "../src/wallet/shelf.ts";

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
