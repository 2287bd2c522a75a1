/**
 * Lets the children of a grid slide to their new places when their order changes. Owns: measuring and the one
 * short animation. Does not own: order. Children are told apart by `data-flip`.
 */
import { type RefObject, useLayoutEffect, useRef } from "react";

/** `order` is any text that changes when places change. */
export function useFlip(grid: RefObject<HTMLElement | null>, order: string): void {
  const places = useRef(new Map<string, DOMRect>());
  // biome-ignore lint/correctness/useExhaustiveDependencies: `order` says when to measure again
  useLayoutEffect(() => {
    const root = grid.current;
    if (!root) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const origin = root.getBoundingClientRect();
    const next = new Map<string, DOMRect>();
    for (const child of root.querySelectorAll<HTMLElement>("[data-flip]")) {
      const key = child.dataset.flip ?? "";
      const box = child.getBoundingClientRect();
      // Relative to the grid: scrolling is not a move.
      const place = new DOMRect(box.x - origin.x, box.y - origin.y, box.width, box.height);
      next.set(key, place);
      const before = places.current.get(key);
      if (!before || still) continue;
      const dx = before.x - place.x;
      const dy = before.y - place.y;
      if (Math.abs(dx) + Math.abs(dy) < 2) continue;
      child.animate(
        [
          { transform: `translate(${dx}px, ${dy}px)`, zIndex: 1 },
          { transform: "none", zIndex: 1 },
        ],
        {
          duration: 420,
          easing: "cubic-bezier(0.2, 0.8, 0.2, 1)",
        },
      );
    }
    places.current = next;
  }, [order, grid]);
}
