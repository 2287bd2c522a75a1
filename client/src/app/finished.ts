/**
 * Finished rounds: the newest one, followed until its money and models are there, and the lists.
 * Owns: asking for them and how often. Does not own: the live round.
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import type { Api } from "../net/api.ts";
import type { FinishedVm, WalletEventVm } from "./model.ts";
import { type Store, show } from "./store.ts";

export interface FinishedDeps {
  api: Pick<Api, "round" | "rounds" | "gallery">;
  store: Store;
  playKey: () => string;
  now: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** This round's payment to the player is on its way. */
  paid: (event: WalletEventVm) => void;
}

export interface Finished {
  /** Follows this round from now on; a newer one takes its place. */
  follow(roundId: string): void;
  /** Shows the newest round of the list, where none is shown. */
  begin(): Promise<void>;
  loadRounds(): Promise<void>;
  loadGallery(which: "first" | "next"): Promise<void>;
  /** Reads the shown round anew: the player changed. */
  refresh(): void;
  stop(): void;
}

const FIRST_MS = 1_000;
const SLOWEST_MS = 4_000;
/** A round nobody knows after so long is none (the server was down in its slot), ms. */
const UNKNOWN_MS = 40_000;
const GIVE_UP_MS = 20 * 60_000;

/** What a finished round means to this player, sat. */
export function finishedVm(detail: RoundDetail, playKey: string): FinishedVm {
  const mine = detail.payouts.find((one) => one.playKey === playKey);
  return { detail, myWonSats: mine?.won ?? 0, myPayoutSats: (mine?.won ?? 0) + (mine?.returned ?? 0) };
}

/** True when nothing of it will change that the page shows. */
export function isComplete(detail: RoundDetail): boolean {
  const paid = detail.payouts.length === 0 || detail.settlement !== "pending";
  const isThrough = ({ winner, model, sculpture, takenDown }: RoundDetail["memesRanked"][number]): boolean =>
    !winner || model !== undefined || sculpture === "review" || takenDown === true;
  return paid && detail.memesRanked.every(isThrough);
}

export function createFinished(deps: FinishedDeps): Finished {
  const { api, store } = deps;
  let following = "";
  let cancel = (): void => undefined;

  const take = (detail: RoundDetail): void => {
    const playKey = deps.playKey();
    store.dispatch(show.finished(finishedVm(detail, playKey)));
    for (const { playKey: key, sats, txid } of detail.settled) {
      if (key !== playKey) continue;
      deps.paid({ kind: "payout", sats, at: detail.closesAt, roundId: detail.roundId, txid });
    }
  };

  const loadRounds = async (): Promise<void> => {
    const answer = await api.rounds();
    if (answer.ok) store.dispatch(show.lists({ rounds: answer.data.rounds }));
  };

  const step = async (roundId: string, since: number, wait: number): Promise<void> => {
    const answer = await api.round(roundId);
    if (following !== roundId) return;
    if (answer.ok) take(answer.data);
    const age = deps.now() - since;
    const isGone = !answer.ok && answer.code === "ROUND_UNKNOWN" && age > UNKNOWN_MS;
    if (isGone || age > GIVE_UP_MS || (answer.ok && isComplete(answer.data))) {
      await loadRounds();
      return;
    }
    const next = answer.ok ? Math.min(SLOWEST_MS, wait * 1.3) : FIRST_MS;
    cancel = deps.after(next, () => void step(roundId, since, next));
  };

  const follow = (roundId: string): void => {
    if (roundId === following) return;
    cancel();
    following = roundId;
    void step(roundId, deps.now(), FIRST_MS);
  };

  return {
    follow,
    async begin() {
      const answer = await api.rounds();
      if (!answer.ok) return;
      store.dispatch(show.lists({ rounds: answer.data.rounds }));
      const newest = answer.data.rounds[0];
      if (newest === undefined || store.getState().finished.view !== undefined) return;
      const detail = await api.round(newest.roundId);
      if (detail.ok && store.getState().finished.view === undefined) take(detail.data);
    },
    loadRounds,
    async loadGallery(which) {
      const { gallery, galleryNext, galleryLoading } = store.getState().lists;
      if (galleryLoading || (which === "next" && galleryNext === undefined)) return;
      store.dispatch(show.lists({ galleryLoading: true }));
      const answer = await api.gallery(which === "next" ? galleryNext : undefined);
      store.dispatch(show.lists({ galleryLoading: false, galleryLoaded: true }));
      if (!answer.ok) return;
      const items = which === "next" ? [...gallery, ...answer.data.items] : answer.data.items;
      store.dispatch(show.lists({ gallery: items, galleryNext: answer.data.next }));
    },
    refresh() {
      const shown = store.getState().finished.view;
      if (shown !== undefined) take(shown.detail);
    },
    stop() {
      cancel();
      following = "";
    },
  };
}
