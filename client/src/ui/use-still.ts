/** Whether the person asked for less motion, as a fact that may change while the page is open. */
import { useSyncExternalStore } from "react";

const QUERY = "(prefers-reduced-motion: reduce)";

const subscribe = (listener: () => void) => {
  const query = matchMedia(QUERY);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
};

export const useStill = (): boolean => useSyncExternalStore(subscribe, () => matchMedia(QUERY).matches);
