/**
 * What screens read and call. Owns: the hooks of the seam (model.ts). Does not own: state or actions themselves.
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useSelector } from "react-redux";
import type { GalleryItem, RoundSummary } from "../net/api.ts";
import type { Answered } from "../net/http.ts";
import { useGame } from "./context.ts";
import type { Failure, FinishedVm, GameActions, MeVm, NoticeVm, RoundVm, WalletVm } from "./model.ts";
import type { SignerActions, SignerVm } from "./signer-model.ts";
import type { DrainVm, PageState } from "./store.ts";
import type { VaultActions, VaultVm } from "./vault-model.ts";

export const useRound = (): RoundVm | undefined => useSelector((state: PageState) => state.round.view);
export const useMe = (): MeVm => useSelector((state: PageState) => state.me);
export const useWallet = (): WalletVm => useSelector((state: PageState) => state.wallet);
export const useVault = (): VaultVm => useSelector((state: PageState) => state.vault);
export const useVaultActions = (): VaultActions => useGame().vault;
/** The wallet that signs in. */
export const useSigner = (): SignerVm => useSelector((state: PageState) => state.signer);
export const useSignerActions = (): SignerActions => useGame().signer;
/** The newest finished round; followed until its models and payments are there. */
export const useFinished = (): FinishedVm | undefined =>
  useSelector((state: PageState) => state.finished.view);
export const useDrain = (): DrainVm | undefined => useSelector((state: PageState) => state.drain.view);
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

/** How often a round is asked for again that is still changing, ms. */
const AGAIN_MS = 5_000;

/** One finished round; asked for again while `isChanging` says that it is. `retry` is for after a failure. */
export function useRoundDetail(
  roundId: string,
  isChanging: (detail: RoundDetail) => boolean,
): { detail: RoundDetail | undefined; failure: Failure | undefined; retry: () => void } {
  const { loadRound } = useGame();
  const [answer, setAnswer] = useState<Answered<RoundDetail>>();
  const [asked, setAsked] = useState(0);
  const changing = useRef(isChanging);
  changing.current = isChanging;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asking again starts over
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current = true;
    const ask = async () => {
      const next = await loadRound(roundId);
      if (!current) return;
      // What was read once stays on the page when a later try does not arrive.
      setAnswer((before) => (next.ok || !before?.ok ? next : before));
      if (next.ok ? changing.current(next.data) : next.code === "ROUND_LIVE")
        timer = setTimeout(() => void ask(), AGAIN_MS);
    };
    void ask();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [loadRound, roundId, asked]);
  return {
    detail: answer?.ok ? answer.data : undefined,
    failure: answer?.ok === false ? answer : undefined,
    retry: () => {
      setAnswer(undefined);
      setAsked((count) => count + 1);
    },
  };
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
