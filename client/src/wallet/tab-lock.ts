/**
 * One tab at a time plays with this browser's wallet (I3). Owns: which tab that is. Does not own: what the others may
 * still show (everything) or do (nothing that needs the key). A tab that closes or crashes frees it by itself.
 */

export interface TabLock {
  /** True while this tab may sign. */
  isHeld(): boolean;
  /** Asks for the lock once, and resolves when it is known whether this tab has it; from then on it waits in line. */
  hold(): Promise<void>;
  /** Takes it from whichever tab has it. */
  takeOver(): Promise<void>;
}

export interface TabLockDeps {
  /** Undefined in browsers without the Locks API: every tab counts as the only one there. */
  locks: Pick<LockManager, "request"> | undefined;
  changed: () => void;
}

const NAME = "mr:tab";

export function createTabLock({ locks, changed }: TabLockDeps): TabLock {
  let held = locks === undefined;
  let waiting = false;
  let asked: Promise<void> | undefined;

  const set = (next: boolean): void => {
    if (held === next) return;
    held = next;
    changed();
  };
  /** Has the lock until it is stolen. `known` runs when it was given or refused; true when it had been given. */
  const request = async (options: LockOptions, known: () => void): Promise<boolean> => {
    let given = false;
    try {
      await locks?.request(NAME, options, (lock) => {
        given = lock !== null;
        if (given) set(true);
        known();
        return given ? new Promise<never>(() => undefined) : undefined;
      });
    } catch {
      // Stolen; or refused, which a page on its way out is.
      if (given) set(false);
      known();
    }
    return given;
  };
  /** Until the other tab closes, crashes or is robbed in turn. */
  const waitInLine = async (): Promise<void> => {
    if (waiting) return;
    waiting = true;
    const given = await request({}, () => {
      waiting = false;
    });
    if (given) await waitInLine();
  };
  const ask = (options: LockOptions): Promise<void> =>
    new Promise((resolve) => {
      void request(options, resolve).then(waitInLine);
    });

  return {
    isHeld: () => held,
    hold() {
      if (locks === undefined) return Promise.resolve();
      asked ??= ask({ ifAvailable: true });
      return asked;
    },
    takeOver: async () => {
      if (!held) await ask({ steal: true });
    },
  };
}
