/**
 * The game behind the page: what a person can do, and its start and end. Owns: the order of things a tap needs (a key,
 * a sign-in, a room). Does not own: the parts (parts.ts) or their work, what is shown (shown.ts).
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import type { Answered } from "../net/http.ts";
import type { Player } from "../net/player.ts";
import type { Session } from "../net/session.ts";
import { failureOf } from "../wallet/refusal.ts";
import type { ServerClock } from "./clock.ts";
import { createCreatorActions } from "./creator.ts";
import type { GameDeps } from "./game-deps.ts";
import { type Failure, failure, type GameActions, type Outcome } from "./model.ts";
import { createParts, type Parts } from "./parts.ts";
import { createPrivacyActions } from "./privacy.ts";
import { showPerson } from "./shown.ts";
import type { SignerActions } from "./signer-model.ts";
import { type Store, show } from "./store.ts";
import type { VaultActions } from "./vault-model.ts";
import { createWalletActions } from "./wallet-actions.ts";

export interface Game {
  store: Store;
  actions: GameActions;
  vault: VaultActions;
  signer: SignerActions;
  clock: ServerClock;
  /** A REST call as the person who is signed in, for pages of their own. */
  call: Session["call"];
  start(): void;
  stop(): void;
  loadRounds(): Promise<void>;
  /** One finished round, for a page of its own. */
  loadRound(roundId: string): Promise<Answered<RoundDetail>>;
  loadGallery(which: "first" | "next"): Promise<void>;
  dismiss(id: string): void;
}

const BALANCE_MS = 20_000;
export function createGame(deps: GameDeps): Game {
  let busy = 0;
  /** Tells one start from the next: what an earlier one began asynchronously is dropped. */
  let running: object | undefined;
  let cancelBalance = (): void => undefined;
  let stopAwake = (): void => undefined;
  let stopUse = (): void => undefined;

  const changed = (): void => {
    showPerson(parts, busy > 0);
    parts.autoJoin.look();
  };
  const during = async <T extends Outcome>(work: () => Promise<T>): Promise<T | Failure> => {
    busy++;
    changed();
    try {
      return await work();
    } catch (error) {
      return failureOf(error);
    } finally {
      busy--;
      changed();
    }
  };
  const parts: Parts = createParts(deps, {
    changed,
    during,
    signIn: () => pressed(),
    deposit: (sats) => actions.deposit(sats),
  });
  const { store, clock, session, api, consent, exclusion, wallet, live, finished, identity, autoJoin } =
    parts;
  const { vault, vaultPart } = parts;
  session.onChange(changed);
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
      network: parts.network,
      now: deps.now,
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
    ...createPrivacyActions({ session, consent, notice: parts.notice, left }),
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
    cancelBalance = deps.after(BALANCE_MS, () => void look().finally(watchBalance));
  };

  const begin = async (run: object): Promise<void> => {
    // Without IndexedDB there is simply no wallet yet; an action that needs one says so.
    await wallet.load().catch(() => undefined);
    if (running !== run) return;
    changed();
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
    call: session.call,
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
