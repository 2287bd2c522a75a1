/**
 * Finished rounds: the newest one, followed until its money and models are there, and the lists.
 * Owns: asking for them, and which one. Does not own: how often (ask-pace.ts), the live round.
 */
import type { RoundDetail, Snapshot } from "@meme-rounds/shared-schema/rest";
import type { Api } from "../net/api.ts";
import type { Answered } from "../net/http.ts";
import { type Asked, type Heard, waitMs } from "./ask-pace.ts";
import type { FinishedVm, WalletEventVm } from "./model.ts";
import { type Store, show } from "./store.ts";

export interface FinishedDeps {
  api: Pick<Api, "round" | "rounds" | "gallery">;
  store: Store;
  playKey: () => string;
  now: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** 0 up to 1. */
  random: () => number;
  /** This round's payment to the player is on its way. */
  paid: (event: WalletEventVm) => void;
}

export interface Finished {
  /** A round has begun: the one before it is followed from now on. `seen` is the one that was shown here until now. */
  roundBegan(round: Pick<Snapshot, "before">, seen: string | undefined): void;
  /** Shows the newest round of the list, where none is shown. */
  begin(): Promise<void>;
  loadRounds(): Promise<void>;
  loadGallery(which: "first" | "next"): Promise<void>;
  /** Reads the shown round anew: the player changed. */
  refresh(): void;
  stop(): void;
}

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

const heardOf = (answer: Answered<RoundDetail>): Heard => {
  if (answer.ok) return isComplete(answer.data) ? "whole" : "part";
  if (answer.code === "ROUND_LIVE") return "live";
  return answer.code === "ROUND_UNKNOWN" ? "unknown" : "failed";
};

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

  /** Asks, and again when there may be more; `last` is what was heard before. */
  const step = async (
    roundId: string,
    since: number,
    last: Pick<Asked, "heard" | "times">,
  ): Promise<void> => {
    const answer = await api.round(roundId);
    if (following !== roundId) return;
    if (answer.ok) take(answer.data);
    const heard = heardOf(answer);
    const now = { heard, times: heard === last.heard ? last.times + 1 : 1 };
    const retryAfterMs = answer.ok ? undefined : answer.retryAfterMs;
    const wait = waitMs({ ...now, ageMs: deps.now() - since, retryAfterMs }, deps.random());
    if (wait !== undefined) cancel = deps.after(wait, () => void step(roundId, since, now));
    else if (answer.ok) await loadRounds();
  };

  const follow = (roundId: string, hasJustEnded: boolean): void => {
    if (roundId === following) return;
    cancel();
    following = roundId;
    const since = deps.now();
    const first: Asked = { heard: "ended", times: 1, ageMs: 0 };
    const wait = hasJustEnded ? (waitMs(first, deps.random()) ?? 0) : 0;
    cancel = deps.after(wait, () => void step(roundId, since, first));
  };

  return {
    roundBegan({ before }, seen) {
      // A server of the build before this page's names none.
      const roundId = before ?? seen;
      if (roundId !== undefined) follow(roundId, roundId === seen);
    },
    async begin() {
      const answer = await api.rounds();
      if (!answer.ok) return;
      store.dispatch(show.lists({ rounds: answer.data.rounds }));
      const newest = answer.data.rounds[0];
      if (newest === undefined || newest.roundId === following) return;
      if (store.getState().finished.view !== undefined) return;
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
