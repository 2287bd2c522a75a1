/**
 * When a poster turns: under a pointer, with the keyboard's focus, and on a touch screen while it stands in the middle of
 * the window. Never for who asked for less motion; on touch, never for who saves data: a turntable is ten posters large.
 */
import { type RefObject, useEffect, useState } from "react";
import { useStill } from "../../ui/use-still.ts";

/** How long a poster stands in the middle before it turns: one that is only passed by loads nothing. */
const SETTLE_MS = 350;
/** The middle of the window: what is within this margin of both ends does not count. */
const MIDDLE = "-38% 0px -38% 0px";

export function useTurning(target: RefObject<HTMLElement | null>): {
  turning: boolean;
  /** Handlers of a pointer and of focus. */
  start: () => void;
  stop: () => void;
} {
  const still = useStill();
  const [pointed, setPointed] = useState(false);
  const [central, setCentral] = useState(false);
  useEffect(() => {
    const element = target.current;
    const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } };
    if (!element || still || connection?.saveData || matchMedia("(hover: hover)").matches) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        clearTimeout(timer);
        if (!entries.at(-1)?.isIntersecting) setCentral(false);
        else timer = setTimeout(() => setCentral(true), SETTLE_MS);
      },
      { rootMargin: MIDDLE },
    );
    observer.observe(element);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [target, still]);
  return {
    turning: !still && (pointed || central),
    start: () => setPointed(true),
    stop: () => setPointed(false),
  };
}
