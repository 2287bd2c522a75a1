/** A line above the page while the server it is connected to is being updated (R11). Owns: the line and its countdown. */
import { useDrain, useServerNow } from "../../app/hooks.ts";
import { countdown } from "../../ui/words.ts";

/** The line stays for so long after its time, ms: a move to another server takes a moment. */
const AFTER_MS = 4_000;

export function DrainBanner() {
  const drain = useDrain();
  return drain ? <Line text={drain.text} until={drain.until} /> : null;
}

function Line({ text, until }: { text: string; until: number }) {
  const left = until - useServerNow();
  if (left < -AFTER_MS) return null;
  return (
    <div
      role="status"
      data-testid="drain"
      data-until={until}
      className="mt-3 flex items-center justify-between gap-4 rounded-xl border-l-4 border-flare bg-raised px-4 py-2.5 text-sm font-medium"
    >
      <span>{text}</span>
      {left > 0 && (
        <span
          role="timer"
          aria-label={`${countdown(left)} left`}
          className="figures font-display text-lg font-bold"
        >
          {countdown(left)}
        </span>
      )}
    </div>
  );
}
