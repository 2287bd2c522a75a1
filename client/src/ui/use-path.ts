/** The page's address: which of the few views is shown. Owns: history and links. Does not own: the views. */
import { type MouseEvent, useSyncExternalStore } from "react";

const CHANGED = "page:path";

const subscribe = (listener: () => void) => {
  addEventListener("popstate", listener);
  addEventListener(CHANGED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(CHANGED, listener);
  };
};

export const usePath = (): string => useSyncExternalStore(subscribe, () => location.pathname);

/** Where a finished round can be checked (M10). */
export const verifyPathOf = (roundId: string): string => `/rounds/${encodeURIComponent(roundId)}/verify`;

/** Props of an <a> that stays in the page, unless a new tab was asked for; `then` closes what it stands in. */
export const linkTo = (href: string, then?: () => void) => ({
  href,
  onClick: (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    history.pushState(null, "", href + location.search);
    dispatchEvent(new Event(CHANGED));
    scrollTo(0, 0);
    then?.();
  },
});
