/**
 * The game behind the page: puts session, wallet, live round and finished rounds together, and offers the actions.
 * Owns: the order of things a person's tap needs (a key, a sign-in, a room). Does not own: any of the parts' work.
 */
import type { Network } from "@meme-rounds/shared-schema/records";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { createApi } from "../net/api.ts";
import { openRefundChain } from "../net/chain.ts";
import { createHeads } from "../net/heads.ts";
import { type Answered, createHttp } from "../net/http.ts";
import type { Player } from "../net/player.ts";
import { createReceipts } from "../net/receipts.ts";
import { createRooms } from "../net/rooms.ts";
import { type Claimant, createSession } from "../net/session.ts";
import type { WalletHost } from "../wallet/adapters/types.ts";
import { createPlayWallet } from "../wallet/play-wallet.ts";
import { failureOf } from "../wallet/refusal.ts";
import { createShelf } from "../wallet/shelf.ts";
import { createAutoJoinSettings } from "../wallet/spending.ts";
import { createAutoJoin } from "./auto-join.ts";
import { createServerClock, type ServerClock } from "./clock.ts";
import { createConsent } from "./consent.ts";
import { createCreatorActions } from "./creator.ts";
import { createExclusion } from "./exclusion.ts";
import { createFinished } from "./finished.ts";
import { createIdentity } from "./identity.ts";
import { createLive } from "./live.ts";
import { type Failure, failure, type GameActions, type NoticeVm, type Outcome } from "./model.ts";
import { createPrivacyActions } from "./privacy.ts";
import type { SignerActions } from "./signer-model.ts";
import { createStore, NOBODY, type Store, show } from "./store.ts";
import { createVaultPart } from "./vault.ts";
import type { VaultActions } from "./vault-model.ts";
import { createWalletActions } from "./wallet-actions.ts";

export interface GameDeps {
  origin: string;
  fetch: typeof fetch;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  indexedDB: IDBFactory;
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

export interface Game {
  store: Store;
  actions: GameActions;
  vault: VaultActions;
  signer: SignerActions;
  clock: ServerClock;
  start(): void;
  stop(): void;
  loadRounds(): Promise<void>;
  /** One finished round, for a page of its own. */
  loadRound(roundId: string): Promise<Answered<RoundDetail>>;
  loadGallery(which: "first" | "next"): Promise<void>;
  dismiss(id: string): void;
}

const BALANCE_MS = 20_000;
const NETWORK_KEY = "mr:network";
export function createGame(deps: GameDeps): Game {
  const { storage, after, now } = deps;
  const store = createStore();
  const clock = createServerClock({ now });
  const http = createHttp({ base: `${deps.origin}/api` }, { fetch: deps.fetch });
  /** A session that ended begins anew by itself only where nobody has to be asked for the key. */
  const claimant = async (): Promise<Claimant | undefined> => {
    const mine = vault.state() === "open" ? await identity.claimant() : undefined;
    return mine && consent.guard(mine);
  };
  const ended = (): void => identity.ended();
  const session = createSession({
    http,
    storage,
    lock: deps.lock,
    now,
    claimant,
    newAttempt: () => deps.crypto.randomUUID(),
    ended,
  });
  /** Ended by somebody, maybe the person on another device: nobody signs in again by themselves. */
  const signedOut = async (): Promise<void> => {
    if (!(await session.isEnded())) return;
    session.drop();
    identity.ended();
    live.playerChanged();
  };
  const api = createApi(http, session);
  let busy = 0;
  /** Tells one start from the next: what an earlier one began asynchronously is dropped. */
  let running: object | undefined;
  let cancelBalance = (): void => undefined;
  let stopAwake = (): void => undefined;
  let stopUse = (): void => undefined;

  const network = (): Network => {
    const kept = live.snapshot()?.network ?? storage.getItem(NETWORK_KEY);
    return kept === "main" || kept === "test" ? kept : "devchain";
  };
  const notice = (kind: NoticeVm["kind"], text: string): void => {
    store.dispatch(show.notice({ id: deps.crypto.randomUUID(), kind, text }));
  };
  const consent = createConsent({ storage, notice });
  const exclusion = createExclusion({ notice, excluded: () => live.playerChanged() });
  const knowsNetwork = (): boolean => live.snapshot() !== undefined || storage.getItem(NETWORK_KEY) !== null;
  const { vault, ...vaultPart } = createVaultPart({
    ...deps,
    shelf: createShelf(deps),
    network,
    knowsNetwork,
    wallet: () => wallet,
    isBusy: () =>
      wallet
        .book()
        ?.read()
        .deposits.some(({ txid }) => live.isSending(txid)) ?? false,
    during: (work) => during(work),
    async changedKey() {
      if (session.isRemembered()) await session.signOut();
      return await pressed();
    },
    playerChanged: () => live.playerChanged(),
    changed: () => tellWallet(),
  });
  const wallet = createPlayWallet({
    vault,
    api,
    storage,
    lock: deps.lock,
    now,
    network,
    chain: () => openRefundChain(deps),
    changed: () => tellWallet(),
  });
  const live = createLive({
    api,
    rooms: createRooms({ origin: deps.origin }),
    store,
    clock,
    receipts: createReceipts({ storage }),
    heads: createHeads({ storage }),
    wallet,
    refused: exclusion.refused,
    wantsToPlay: () =>
      session.isRemembered() &&
      exclusion.failure() === undefined &&
      (vault.state() === "open" || vault.state() === "locked"),
    token: session.token,
    after,
    frame: deps.frame,
    random: deps.random,
    newRef: () => deps.crypto.randomUUID(),
    notice,
    signedOut: () => void signedOut(),
    onRound(snapshot) {
      storage.setItem(NETWORK_KEY, snapshot.network);
      const { arena, opensAt, closesAt } = snapshot;
      finished.follow(`${arena}-${(opensAt - (closesAt - opensAt)) / 1000}`);
      tellWallet();
    },
  });
  const finished = createFinished({
    api,
    store,
    now,
    after,
    playKey: () => wallet.key()?.playKey ?? "",
    paid: wallet.paid,
  });
  const identity = createIdentity({
    ...deps,
    session: { ...session, signIn: (one) => session.signIn(consent.guard(one)) },
    wallet,
    keys: vault,
    api,
    notice,
    changed: () => tellWallet(),
    network,
    knowsNetwork,
    heardNetwork: (heard) => storage.setItem(NETWORK_KEY, heard),
    signedIn() {
      exclusion.forget();
      live.playerChanged();
      finished.refresh();
      void wallet.refresh();
    },
  });
  const autoJoinSettings = createAutoJoinSettings({ address: wallet.address }, { storage });
  const autoJoin = createAutoJoin({
    kept: autoJoinSettings,
    book: wallet.book,
    snapshot: live.snapshot,
    serverNow: clock.now,
    balanceSats: wallet.balanceSats,
    canSign: () => session.isRemembered() && vault.state() === "open",
    deposit: (sats) => actions.deposit(sats),
    lock: deps.lock,
    after,
    random: deps.random,
    notice,
    changed: () => tellWallet(),
  });
  function tellWallet(): void {
    const key = wallet.key();
    const address = wallet.address();
    const signedIn = session.isRemembered() && key !== undefined;
    store.dispatch(
      show.wallet({
        exists: key !== undefined,
        address,
        balanceSats: wallet.balanceSats(),
        busy: busy > 0,
        history: wallet.history(),
        autoJoin: autoJoin.settings(),
      }),
    );
    store.dispatch(
      show.me(
        signedIn
          ? {
              signedIn,
              address,
              playKey: key.playKey,
              name: session.user()?.name ?? store.getState().me.name,
              termsDue: consent.due(session.user()),
            }
          : { ...NOBODY, address, playKey: key?.playKey ?? "" },
      ),
    );
    store.dispatch(show.vault(vaultPart.view()));
    store.dispatch(show.signer(identity.view()));
    autoJoin.look();
  }
  session.onChange(tellWallet);
  /** Runs an action with the wallet shown as busy; what it throws becomes a failure a person can read. */
  const during = async <T extends Outcome>(work: () => Promise<T>): Promise<T | Failure> => {
    busy++;
    tellWallet();
    try {
      return await work();
    } catch (error) {
      return failureOf(error);
    } finally {
      busy--;
      tellWallet();
    }
  };

  /** A key, a sign-in and a place in the room: whatever of it is missing is made. */
  const play = async (work: (player: Player) => Promise<Outcome>): Promise<Outcome> => {
    const excluded = exclusion.failure();
    if (excluded) return excluded;
    if (!session.isRemembered() || wallet.key() === undefined) {
      const signed = await identity.signIn();
      if (!signed.ok) return signed;
    }
    try {
      await wallet.open();
      const player = await live.player();
      return player === undefined ? failure("OFFLINE", "The round is not connected.") : await work(player);
    } catch (error) {
      return failureOf(error);
    }
  };

  const left = (): void => {
    live.playerChanged();
    void identity.signedOut();
  };
  /** The button says what signing in accepts (I6). */
  const pressed: SignerActions["signIn"] = (id) => {
    consent.agreed();
    return during(() => identity.signIn(id));
  };

  const actions: GameActions = {
    createWallet: () => during(identity.createWallet),
    signIn: () => pressed(),
    signOut: () =>
      during(async () => {
        const outcome = await session.signOut();
        live.playerChanged();
        await identity.signedOut();
        return outcome;
      }),
    ...createWalletActions({
      wallet,
      live,
      clock,
      limits: autoJoin.settings,
      adapters: deps,
      api,
      network,
      now,
      during,
      play,
    }),
    ...createCreatorActions({
      api,
      someone: async () => (session.isRemembered() ? { ok: true } : await during(() => identity.signIn())),
    }),
    enter: (contentId, memeId) => play((player) => player.enter(contentId, memeId, live.entryPrice())),
    boost: (memeId, sats) => play((player) => player.boost(memeId, sats)),
    chat: (text) => play((player) => player.chat(text)),
    report: (memeId, reason) => play((player) => player.report(memeId, reason)),
    ...createPrivacyActions({ session, consent, notice, left }),
    setAutoJoin: autoJoin.set,
    setName: async (name) => {
      const answer = await api.rename(name);
      if (answer.ok) session.renamed(answer.data);
      return answer.ok ? { ok: true } : answer;
    },
  };

  const watchBalance = (): void => {
    const look = async (): Promise<void> => {
      await wallet.withdraw.resend();
      await wallet.refresh();
    };
    cancelBalance = after(BALANCE_MS, () => void look().finally(watchBalance));
  };

  const begin = async (run: object): Promise<void> => {
    // Without IndexedDB there is simply no wallet yet; an action that needs one says so.
    await wallet.load().catch(() => undefined);
    if (running !== run) return;
    tellWallet();
    identity.start();
    live.start();
    await finished.begin();
    if (wallet.key() === undefined) return;
    if (session.isRemembered()) await session.token();
    await wallet.withdraw.resend();
    await wallet.refresh();
  };

  return {
    store,
    actions,
    vault: vaultPart.actions,
    signer: { ...identity, signIn: pressed },
    clock,
    start() {
      running = {};
      void begin(running);
      watchBalance();
      stopAwake = deps.onAwake(() => {
        live.refresh();
        void wallet.refresh();
      });
      stopUse = deps.onUse(vault.used);
    },
    stop() {
      running = undefined;
      live.stop();
      identity.stop();
      finished.stop();
      cancelBalance();
      stopAwake();
      stopUse();
    },
    loadRounds: finished.loadRounds,
    loadRound: api.round,
    loadGallery: finished.loadGallery,
    dismiss: (id) => void store.dispatch(show.dismiss(id)),
  };
}
