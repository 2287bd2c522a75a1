/**
 * A play key belongs to one identity for ever (I2), and a browser may see several. Owns: which play key goes with which
 * account of which wallet, and taking the right one when somebody signs in. Does not own: the keys (vault.ts).
 */
import type { FormerKey } from "./keystore.ts";
import type { Key } from "./vault.ts";

export interface KeyOwners {
  /**
   * The play key of an account: the one in use when it may be its, else the one the account had here, else a new one;
   * what was in use stays sealed beside it. Rejects where the browser keeps no keys, or the wallet is locked.
   */
  keyFor(account: string): Promise<Key>;
  /** The account a key is known to belong to. */
  ownerOf(playKey: string): string | undefined;
  /** The server has bound the key to the account. */
  isOf(playKey: string, account: string): void;
  /** The server says that the key is another's, whoever that is. */
  isNotOf(playKey: string, account: string): void;
}

export interface KeyOwnersDeps {
  storage: Pick<Storage, "getItem" | "setItem">;
  /** The key in use; made silently where there is none. */
  open: () => Promise<Key>;
  formers: () => Promise<Pick<FormerKey, "id" | "playKey">[]>;
  bringBack: (id: string) => Promise<void>;
  /** Puts a new key in the place of the one in use. */
  renew: () => Promise<void>;
}

type Fact = readonly [playKey: string, is: boolean, account: string];

const STORED = "mr:key-owners";
const MOST = 200;

const isFact = (value: unknown): value is Fact =>
  Array.isArray(value) &&
  typeof value[0] === "string" &&
  typeof value[1] === "boolean" &&
  typeof value[2] === "string";

export function createKeyOwners(deps: KeyOwnersDeps): KeyOwners {
  const { storage } = deps;
  const facts = (): Fact[] => {
    try {
      const kept: unknown = JSON.parse(storage.getItem(STORED) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isFact) : [];
    } catch {
      return []; // Damaged: the server still knows, and says so.
    }
  };
  const has = (playKey: string, is: boolean, account: string): boolean =>
    facts().some((fact) => fact[0] === playKey && fact[1] === is && fact[2] === account);
  const ownerOf = (playKey: string): string | undefined =>
    facts().find(([key, is]) => key === playKey && is)?.[2];
  const note = (...fact: Fact): void => {
    if (has(...fact)) return;
    storage.setItem(STORED, JSON.stringify([...facts(), fact].slice(-MOST)));
  };
  return {
    async keyFor(account) {
      const present = await deps.open();
      const { playKey } = present;
      const owner = ownerOf(playKey);
      if (owner === account || (owner === undefined && !has(playKey, false, account))) return present;
      const former = (await deps.formers()).find((one) => ownerOf(one.playKey) === account);
      await (former === undefined ? deps.renew() : deps.bringBack(former.id));
      return await deps.open();
    },
    ownerOf,
    isOf: (playKey, account) => note(playKey, true, account),
    isNotOf: (playKey, account) => note(playKey, false, account),
  };
}
