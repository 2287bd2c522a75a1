/**
 * The play wallet's key as a person deals with it: unlocking, backing up, bringing back (I3). Owns: what is shown of it,
 * these actions' outcomes, asking the person when the key is needed, when to remind of a backup.
 * Does not own: the key (wallet/vault.ts, wallet/keystore.ts), files (wallet/backup-file.ts), coins.
 */
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import type { Network } from "@meme-rounds/shared-schema/records";
import { toWif } from "@meme-rounds/shared-schema/wif";
import { createKeystore, type KeyContent } from "../wallet/keystore.ts";
import type { PlayWallet } from "../wallet/play-wallet.ts";
import { failureOf } from "../wallet/refusal.ts";
import type { Shelf } from "../wallet/shelf.ts";
import { createTabLock } from "../wallet/tab-lock.ts";
import { createVault, type Vault } from "../wallet/vault.ts";
import { type Failure, failure, type Outcome } from "./model.ts";
import type { VaultActions, VaultVm } from "./vault-model.ts";

export interface VaultPart {
  vault: Vault;
  view(): VaultVm;
  actions: VaultActions;
}

export interface VaultPartDeps {
  shelf: Shelf;
  crypto: Crypto;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  locks: Pick<LockManager, "request"> | undefined;
  now: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** Asks the browser not to throw this page's data away. */
  persist: () => Promise<boolean>;
  reload: () => void;
  network: () => Network;
  knowsNetwork: () => boolean;
  wallet: () => Pick<PlayWallet, "address" | "book" | "adopt">;
  /** A deposit waits for its answer. */
  isBusy: () => boolean;
  during<T extends Outcome>(work: () => Promise<T>): Promise<T | Failure>;
  /** Signs out whoever is in, and in with the key that is here now. */
  changedKey: () => Promise<Outcome>;
  /** This tab may play now, or may not any more. */
  playerChanged: () => void;
  changed: () => void;
}

interface Kept {
  words?: number;
  file?: number;
  dismissed?: number;
}

/** A reminder that was waved away comes back after a day, ms. */
const REMIND_MS = 86_400_000;

export function createVaultPart(deps: VaultPartDeps): VaultPart {
  const { storage, now, crypto } = deps;
  let asking: ((again: boolean) => void)[] = [];
  let persistAsked = false;
  /** The same object while nothing in it changed, so that nothing is drawn again. */
  let shown: VaultVm | undefined;

  const tab = createTabLock({
    locks: deps.locks,
    changed() {
      void vault.tabChanged().catch(() => undefined); // A key that cannot be read says so when it is needed.
      deps.playerChanged();
    },
  });
  const vault: Vault = createVault({
    keystore: createKeystore(deps),
    tab,
    storage,
    now,
    after: deps.after,
    isBusy: deps.isBusy,
    otherKey: deps.reload,
    ask: () =>
      new Promise((resolve) => {
        asking.push(resolve);
        deps.changed();
      }),
    changed() {
      if (vault.state() === "open") answer(true);
      deps.changed();
    },
  });
  const answer = (again: boolean): void => {
    const told = asking;
    asking = [];
    for (const tell of told) tell(again);
  };

  const noteKey = (): string => `mr:backup:${vault.kept()?.playKey ?? ""}`;
  const note = (): Kept => {
    try {
      return Object(JSON.parse(storage.getItem(noteKey()) ?? "{}")) as Kept;
    } catch {
      return {}; // Damaged: the person is reminded once more.
    }
  };
  const keep = (change: Kept): void => {
    storage.setItem(noteKey(), JSON.stringify({ ...note(), ...change }));
    deps.changed();
  };

  /** Coins went in or came out of a round: from here on losing the key costs something. */
  const holdsMoney = (): boolean => {
    const book = deps.wallet().book()?.read();
    if (book === undefined) return false;
    return book.deposits.length > 0 || book.history.some(({ kind }) => kind !== "faucet");
  };

  const view = (): VaultVm => {
    const kept = vault.kept();
    const { words, file, dismissed } = note();
    const hasMoney = holdsMoney();
    if (hasMoney && !persistAsked) {
      persistAsked = true;
      void deps.persist().catch(() => false); // Refused: the backup is what counts.
    }
    const isBackedUp = words !== undefined || file !== undefined;
    const next: VaultVm = {
      state: vault.state(),
      asking: asking.length > 0,
      hasWords: kept?.hasWords ?? false,
      hasPassphrase: kept?.hasPassphrase ?? false,
      autoLockMinutes: vault.autoLock(),
      isBackedUp,
      remind: hasMoney && !isBackedUp && (dismissed === undefined || now() - dismissed > REMIND_MS),
    };
    const keys = Object.keys(next) as (keyof VaultVm)[];
    if (shown === undefined || keys.some((key) => shown?.[key] !== next[key])) shown = next;
    return shown;
  };

  /** Runs work with the content of the sealed key, which is wiped after it. */
  const withContent = async <T>(
    passphrase: string | undefined,
    work: (content: KeyContent) => Promise<T>,
  ): Promise<T | Failure> => {
    try {
      const content = await vault.reveal(passphrase);
      try {
        return await work(content);
      } finally {
        content.secret.fill(0);
        content.entropy?.fill(0);
      }
    } catch (error) {
      return failureOf(error);
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
  /** A deposit on its way is answered to the key that made it. */
  const unanswered = (): Failure | undefined =>
    deps.isBusy()
      ? failure("DEPOSIT_PENDING", "A deposit waits for its answer. Bring the key in when it is there.")
      : undefined;
  const networkIfKnown = (): Network | undefined => (deps.knowsNetwork() ? deps.network() : undefined);

  const actions: VaultActions = {
    open: () => told(async () => void (await vault.ready())),
    unlock: vault.unlock,
    takeOver: () => told(vault.takeOver),
    decline() {
      answer(false);
      deps.changed();
    },
    lock: vault.lock,
    setPassphrase: vault.setPassphrase,
    setAutoLock: vault.setAutoLock,
    words: (passphrase) =>
      withContent(passphrase, async ({ entropy }) => {
        if (entropy === undefined)
          return failure("BAD_REQUEST", "This key has no words: it was made before there were any.");
        const { wordsOf } = await import("../wallet/mnemonic.ts");
        return { ok: true as const, words: (await wordsOf(entropy)).split(" ") };
      }),
    wif: (passphrase) =>
      withContent(passphrase, async ({ secret }) => ({
        ok: true as const,
        wif: toWif(secret, deps.network()),
      })),
    file: (filePassphrase, passphrase) =>
      withContent(passphrase, async (content) => {
        if (filePassphrase.trim().length < 8)
          return failure("BAD_REQUEST", "Take a passphrase of at least 8 characters.");
        const { makeBackup } = await import("../wallet/backup-file.ts");
        const { address, book } = deps.wallet();
        const deposits = book()?.read().deposits ?? [];
        const about = { network: deps.network(), address: address(), createdAt: now(), deposits };
        return { ok: true as const, backup: await makeBackup(content, about, filePassphrase, crypto) };
      }),
    saved: (kind) => keep({ [kind]: now() }),
    dismiss: () => keep({ dismissed: now() }),
    restore: (typed, passphrase) =>
      deps.during(async () => {
        const { readRestored } = await import("../wallet/backup-file.ts");
        const restored = await readRestored(typed, { network: networkIfKnown(), passphrase, crypto });
        if (!restored.ok) {
          const { message, needsPassphrase } = restored;
          return { ...failure(needsPassphrase ? "PASSPHRASE_WRONG" : "BACKUP_UNREADABLE", message) };
        }
        const { content, deposits } = restored;
        const waiting = unanswered();
        if (waiting !== undefined) return waiting;
        await vault.replace(content);
        await deps.wallet().adopt(deposits);
        const outcome = await deps.changedKey();
        // Brought back from words or a file: there is a backup of it somewhere.
        if (content.entropy !== undefined || typed.trim().startsWith("{"))
          keep({ [typed.trim().startsWith("{") ? "file" : "words"]: now() });
        return outcome;
      }),
    async formers() {
      const found = await vault.formers();
      return found.map(({ id, at, playKey }) => ({ id, at, address: addressOf(playKey, deps.network()) }));
    },
    bringBack: (id) =>
      deps.during(async () => {
        const waiting = unanswered();
        if (waiting !== undefined) return waiting;
        await vault.bringBack(id);
        return await deps.changedKey();
      }),
  };

  return { vault, view, actions };
}
