/**
 * What screens read and call. Owns: the hooks of the seam (model.ts). Does not own: state or actions themselves.
 */
import { useCallback, useEffect, useMemo, useState } from "react";
import { useSelector } from "react-redux";
import type { GalleryItem, RoundSummary } from "../net/api.ts";
import { useGame } from "./context.ts";
import type { FinishedVm, GameActions, MeVm, NoticeVm, RoundVm, WalletVm } from "./model.ts";
import type { PageState } from "./store.ts";

export const useRound = (): RoundVm | undefined => useSelector((state: PageState) => state.round.view);
export const useMe = (): MeVm => useSelector((state: PageState) => state.me);
export const useWallet = (): WalletVm => useSelector((state: PageState) => state.wallet);
/** The newest finished round; followed until its models and payments are there. */
export const useFinished = (): FinishedVm | undefined =>
  useSelector((state: PageState) => state.finished.view);
export const useActions = (): GameActions => useGame().actions;

/** The server's clock in ms, moving every `everyMs`. */
export function useServerNow(everyMs = 250): number {
  const { clock } = useGame();
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), everyMs);
    return () => clearInterval(timer);
  }, [clock, everyMs]);
  return now;
}

/** Finished rounds, newest first. */
export function useRounds(): RoundSummary[] {
  const { loadRounds } = useGame();
  useEffect(() => {
    void loadRounds();
  }, [loadRounds]);
  return useSelector((state: PageState) => state.lists.rounds);
}

/** Models of winners, newest first; `loadMore` does nothing after the last page. */
export function useGallery(): {
  items: GalleryItem[];
  loadMore: () => void;
  loading: boolean;
  hasMore: boolean;
} {
  const { loadGallery } = useGame();
  const { gallery, galleryNext, galleryLoading, galleryLoaded } = useSelector(
    (state: PageState) => state.lists,
  );
  useEffect(() => {
    void loadGallery("first");
  }, [loadGallery]);
  const loadMore = useCallback(() => void loadGallery("next"), [loadGallery]);
  return {
    items: gallery,
    loadMore,
    loading: galleryLoading || !galleryLoaded,
    hasMore: galleryNext !== undefined,
  };
}

export function useNotices(): { notices: NoticeVm[]; dismiss: (id: string) => void } {
  const { dismiss } = useGame();
  const notices = useSelector((state: PageState) => state.notices);
  return useMemo(() => ({ notices, dismiss }), [notices, dismiss]);
}
