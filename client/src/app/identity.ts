/**
 * Who is playing: signing in with a wallet, and again when the session has ended (I1, I2).
 * Owns: which wallet speaks for the person, what signing in needs first, hearing of account changes in that wallet.
 * Does not own: tokens (net/session.ts), wallets (wallet/adapters), the play key (wallet/vault.ts).
 */
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Api } from "../net/api.ts";
import type { Claimant, Session } from "../net/session.ts";
import { createManualAdapter } from "../wallet/adapters/manual.ts";
import type { AccountChange, AdapterDeps, WalletAdapter, WalletId } from "../wallet/adapters/types.ts";
import { claimantOf } from "../wallet/claim.ts";
import { createKeyOwners, type KeyOwnersDeps } from "../wallet/key-owners.ts";
import type { PlayWallet } from "../wallet/play-wallet.ts";
import { failureOf, Refusal } from "../wallet/refusal.ts";
import { failure, type NoticeVm, type Outcome } from "./model.ts";
import { NO_SIGNER, type SignerActions, type SignerVm } from "./signer-model.ts";

export interface Identity extends SignerActions {
  /** The wallet to sign in with when the session has ended; undefined where a person would have to be asked. */
  claimant(): Promise<Claimant | undefined>;
  /** A key where there is none; fails where the browser keeps no keys. */
  createWallet(): Promise<Outcome>;
  /** Listens to the wallet that is signed in, from a page load on; shows no window of it. */
  start(): void;
  stop(): void;
  /** The session has ended by itself. */
  ended(): void;
  /** The person has signed out: the wallet forgets this page. */
  signedOut(): Promise<void>;
  view(): SignerVm;
}

export interface IdentityDeps extends AdapterDeps {
  session: Pick<Session, "signIn" | "isRemembered">;
  wallet: Pick<PlayWallet, "key" | "open" | "balanceSats">;
  keys: Omit<KeyOwnersDeps, "storage" | "open">;
  storage: Pick<Storage, "getItem" | "setItem">;
  api: Pick<Api, "current">;
  network: () => Network;
  /** Whether it is known which network this server plays on. */
  knowsNetwork: () => boolean;
  heardNetwork: (network: Network) => void;
  /** Somebody else is playing from now on. */
  signedIn: () => void;
  notice: (kind: NoticeVm["kind"], text: string) => void;
  changed: () => void;
}

const STORED = "mr:signer";
const MANUAL = "manual";
const WALLET_IDS: readonly WalletId[] = ["manual", "okx", "unisat", "phantom", "yours", "yours-legacy"];
const isWalletId = (value: unknown): value is WalletId => WALLET_IDS.some((id) => id === value);
const short = (address: string): string =>
  address.length > 16 ? `${address.slice(0, 8)}…${address.slice(-6)}` : address;

export function createIdentity(deps: IdentityDeps): Identity {
  const { session, wallet, api, storage } = deps;
  const owners = createKeyOwners({ ...deps.keys, storage, open: wallet.open });
  const manual = createManualAdapter({
    secret: async () => (await owners.keyFor(MANUAL)).secret,
    network: deps.network,
  });
  let signer = readSigner(storage);
  let unwatch = (): void => undefined;
  let watching: WalletAdapter | undefined;
  /** Stops waiting for the wallet whose window is open. */
  let cancel = (): void => undefined;
  let isAsking = false;

  const show = (next: SignerVm): void => {
    signer = next;
    deps.changed();
  };

  const heard = (change: AccountChange): void => {
    // While the person chooses an account for signing in, switching is what is asked for.
    if (isAsking || !session.isRemembered()) return;
    const { name, address } = signer;
    const heardOf = change.kind === "switched" ? (change.address ?? "") : "";
    const isSame = heardOf === address;
    const now = isSame ? "same" : change.kind;
    const nowAddress = isSame ? "" : heardOf;
    if (signer.now === now && signer.nowAddress === nowAddress) return;
    show({ ...signer, now, nowAddress });
    if (isSame) return;
    deps.notice(
      "warning",
      change.kind === "left"
        ? `${name} has signed out or is locked. You still play as ${short(address)} until you sign out here.`
        : `${name} is on another account now. You still play as ${short(address)}: open your wallet here to switch.`,
    );
  };

  const watch = (adapter: WalletAdapter): void => {
    unwatch();
    watching = adapter;
    const stop = adapter.onAccountChange(heard);
    unwatch = () => {
      stop();
      watching = undefined;
      unwatch = () => undefined;
    };
  };

  const adapterOf = async (id: WalletId): Promise<WalletAdapter> => {
    if (id === MANUAL) return manual;
    try {
      const { loadAdapter } = await import("../wallet/adapters/catalog.ts");
      return await loadAdapter(id, deps);
    } catch {
      throw new Refusal("OFFLINE", "The code for this wallet did not load. Reload the page and try again.");
    }
  };

  const createWallet = async (): Promise<Outcome> => {
    try {
      await wallet.open();
      return { ok: true };
    } catch (error) {
      return failureOf(error);
    }
  };

  /** The play key of an account; tells the person when it is another than the one with their coins. */
  const keyFor = async (account: string) => {
    const before = wallet.key()?.playKey;
    const sats = wallet.balanceSats();
    const key = await owners.keyFor(account);
    if (before !== undefined && before !== key.playKey && sats > 0)
      deps.notice(
        "info",
        `This sign-in has a play wallet of its own. The ${sats} sat of the one before stay sealed in this browser: sign in as before to use them.`,
      );
    return key;
  };

  const signInWith = async (adapter: WalletAdapter): Promise<Outcome> => {
    const { id, name } = adapter;
    if (!(await adapter.detect())) return failure("WALLET_MISSING", `${name} is not in this browser.`);
    const cancelled = new Promise<never>((_, reject) => {
      cancel = () => reject(new Refusal("SIGNER_REJECTED", `You stopped waiting for ${name}.`));
    });
    cancelled.catch(() => undefined); // It may come after the last one who listens.
    const accountOf = (address: string): string => (id === MANUAL ? MANUAL : `${id}:${address}`);
    isAsking = id !== MANUAL;
    try {
      const claimant = await claimantOf(
        {
          kind: adapter.kind,
          connect: () => Promise.race([adapter.connect(), cancelled]),
          sign: (challenge) => Promise.race([adapter.sign(challenge), cancelled]),
        },
        (address) => keyFor(accountOf(address)),
      );
      const account = accountOf(claimant.address);
      const outcome = await session.signIn(claimant);
      if (!outcome.ok) {
        if (outcome.code !== "PLAY_KEY_TAKEN") return outcome;
        owners.isNotOf(claimant.playKey, account);
        return failure(
          "PLAY_KEY_TAKEN",
          "The play key in this browser belongs to another sign-in. Press again, and this one gets a play key of its own.",
        );
      }
      owners.isOf(claimant.playKey, account);
      signer = { ...NO_SIGNER, id, name, address: id === MANUAL ? "" : claimant.address };
      storage.setItem(STORED, JSON.stringify({ id, name, address: signer.address }));
      watch(adapter);
      deps.changed();
      deps.signedIn();
      return outcome;
    } catch (error) {
      return failureOf(error);
    } finally {
      isAsking = false;
      cancel = () => undefined;
    }
  };

  /** Whoever the play key here belongs to, else whoever was here last. */
  const usual = (): WalletId => {
    const owner = owners.ownerOf(wallet.key()?.playKey ?? "")?.split(":")[0];
    return isWalletId(owner) ? owner : signer.id;
  };

  return {
    // Silently: only the wallet in this browser asks nobody.
    claimant: async () =>
      signer.id === MANUAL ? await claimantOf(manual, () => owners.keyFor(MANUAL)) : undefined,
    createWallet,
    async signIn(wished) {
      // The address has a network in it; the first answer of the server says which.
      if (!deps.knowsNetwork()) {
        const current = await api.current();
        if (!current.ok) return current;
        deps.heardNetwork(current.data.network);
      }
      cancel(); // A second wish: the wallet that was asked first is not waited for any more.
      return await signInWith(await adapterOf(wished ?? usual()));
    },
    cancel: () => cancel(),
    stay: () => show({ ...signer, now: "same", nowAddress: "" }),
    start() {
      const { id } = signer;
      if (!session.isRemembered()) return;
      const playKey = wallet.key()?.playKey;
      // Before there was a choice nothing was written down.
      if (id === MANUAL && playKey !== undefined) owners.isOf(playKey, MANUAL);
      if (id === MANUAL) return;
      const begin = async (): Promise<void> => {
        const adapter = await adapterOf(id);
        if (!(await adapter.detect()) || signer.id !== id || watching !== undefined) return;
        watch(adapter);
        // It may have gone to another account while this page was closed.
        const address = await adapter.current?.();
        if (address !== undefined && watching === adapter) heard({ kind: "switched", address });
      };
      // A wallet that says nothing is no news; signing in asks again and says what is wrong.
      void begin().catch(() => undefined);
    },
    stop: () => unwatch(),
    ended() {
      const how = signer.id === MANUAL ? "" : ` with ${signer.name}`;
      deps.notice("warning", `Your session has ended. Sign in again${how} to play on.`);
      if (signer.id === MANUAL) return;
      unwatch();
      show({ ...signer, now: "same", nowAddress: "" });
    },
    async signedOut() {
      const adapter = watching;
      unwatch();
      show({ ...signer, now: "same", nowAddress: "" });
      // Best effort: a wallet that keeps its permission for this page does no harm.
      await adapter?.disconnect().catch(() => undefined);
    },
    view: () => signer,
  };
}

/** What an earlier page load kept; before there was a choice everybody used the wallet in the browser. */
function readSigner(storage: Pick<Storage, "getItem">): SignerVm {
  try {
    const kept: unknown = JSON.parse(storage.getItem(STORED) ?? "null");
    const { id, name, address } = Object(kept) as Record<string, unknown>;
    if (isWalletId(id) && typeof name === "string" && typeof address === "string")
      return { ...NO_SIGNER, id, name, address };
  } catch {
    // Damaged: as if nobody had been here.
  }
  return NO_SIGNER;
}
