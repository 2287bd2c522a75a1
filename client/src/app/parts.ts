/**
 * The parts of the game and who of them knows whom: session, wallet, live round, finished rounds, identity, auto-join.
 * Owns: making them. Does not own: actions (game.ts), what is shown (shown.ts), any part's work.
 */
import { PROTOCOL } from "@meme-rounds/shared-schema/protocol";
import type { Network } from "@meme-rounds/shared-schema/records";
import { createApi } from "../net/api.ts";
import { openRefundChain } from "../net/chain.ts";
import { createHeads } from "../net/heads.ts";
import { createHttp } from "../net/http.ts";
import { createReceipts } from "../net/receipts.ts";
import { createRooms } from "../net/rooms.ts";
import { type Claimant, createSession } from "../net/session.ts";
import { createPlayWallet } from "../wallet/play-wallet.ts";
import { createShelf } from "../wallet/shelf.ts";
import { createAutoJoinSettings } from "../wallet/spending.ts";
import { createAutoJoin } from "./auto-join.ts";
import { createServerClock } from "./clock.ts";
import { createConsent } from "./consent.ts";
import { createExclusion } from "./exclusion.ts";
import { createFinished } from "./finished.ts";
import type { GameDeps } from "./game-deps.ts";
import { createIdentity } from "./identity.ts";
import { createLive } from "./live.ts";
import type { Failure, NoticeVm, Outcome } from "./model.ts";
import { createSkew } from "./skew.ts";
import { createStore, show } from "./store.ts";
import { createVaultPart } from "./vault.ts";

/** What parts ask of the whole. */
export interface Turns {
  /** Something that is shown has changed. */
  changed(): void;
  /** Runs an action with the wallet shown as busy; what it throws becomes a failure a person can read. */
  during<T extends Outcome>(work: () => Promise<T>): Promise<T | Failure>;
  signIn(): Promise<Outcome>;
  deposit(sats: number): Promise<Outcome>;
}

export type Parts = ReturnType<typeof createParts>;

const NETWORK_KEY = "mr:network";

export function createParts(deps: GameDeps, turns: Turns) {
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
  const network = (): Network => {
    const kept = live.snapshot()?.network ?? storage.getItem(NETWORK_KEY);
    return kept === "main" || kept === "test" ? kept : "devchain";
  };
  const notice = (kind: NoticeVm["kind"], text: string, id: string = deps.crypto.randomUUID()): void => {
    store.dispatch(show.notice({ id, kind, text }));
  };
  const skew = createSkew({
    ...deps,
    version: { protocol: PROTOCOL, build: deps.build },
    storage: deps.tabStorage,
    isBusy: () => deps.isOccupied() || live.isBusy() || store.getState().wallet.busy,
    notice,
  });
  deps.onPartMissing(skew.partMissing);
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
    during: turns.during,
    async changedKey() {
      if (session.isRemembered()) await session.signOut();
      return await turns.signIn();
    },
    playerChanged: () => live.playerChanged(),
    changed: turns.changed,
  });
  const wallet = createPlayWallet({
    vault,
    api,
    storage,
    lock: deps.lock,
    now,
    network,
    chain: () => openRefundChain(deps),
    changed: turns.changed,
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
    heardServer: skew.heard,
    signedOut: () => void signedOut(),
    onRound(snapshot, seen) {
      storage.setItem(NETWORK_KEY, snapshot.network);
      finished.roundBegan(snapshot, seen);
      skew.round(snapshot.roundId);
      turns.changed();
    },
  });
  const finished = createFinished({
    api,
    store,
    now,
    after,
    random: deps.random,
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
    changed: turns.changed,
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
    deposit: turns.deposit,
    lock: deps.lock,
    after,
    random: deps.random,
    notice,
    changed: turns.changed,
  });
  return {
    store,
    clock,
    session,
    api,
    network,
    notice,
    consent,
    exclusion,
    vault,
    vaultPart,
    wallet,
    live,
    finished,
    identity,
    autoJoin,
  };
}
