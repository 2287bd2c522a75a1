/**
 * The round's status: phase, time left, pot, who is here. Owns: how each phase reads. The clock is the server's,
 * so that every screen agrees. Does not own: the phase.
 */
import { useServerNow } from "../../app/hooks.ts";
import type { PhaseVm, RoundVm } from "../../app/model.ts";
import { brief, count, countdown, plural } from "../../ui/words.ts";

const headings: Record<PhaseVm, string> = {
  open: "The floor is open",
  blind: "Lights out",
  settling: "Counting",
  closed: "Round over",
  voided: "Round void",
};
const lines: Record<PhaseVm, string> = {
  open: "Enter a meme, back the ones you believe in. Early sats weigh double.",
  blind: "The scoreboard is dark. Boosts still count, and nobody sees them land.",
  settling: "Every voucher is being checked and paid out on chain. The next round is opening.",
  closed: "The winners are paid. The next round is opening.",
  voided: "Not enough memes for a contest: every deposit goes back in full.",
};

export function Stage({ round }: { round: RoundVm }) {
  const now = useServerNow();
  const over = round.phase !== "open" && round.phase !== "blind";
  const left = over ? 0 : round.closesAt - now;
  const dark = round.phase === "blind";
  const untilDark = round.blindAt - now;
  return (
    <section
      aria-label="This round"
      className={`relative mt-4 overflow-hidden rounded-3xl transition-colors duration-500 sm:mt-6 ${dark ? "bg-black text-acid" : "bg-acid text-ink"}`}
    >
      {dark && <div className="hatch absolute inset-0 text-acid opacity-10" aria-hidden="true" />}
      <div className="relative grid grid-cols-2 items-end gap-x-5 gap-y-4 p-5 sm:p-7 lg:pb-6 lg:grid-cols-[auto_minmax(0,1fr)_auto] lg:gap-x-10">
        <p
          role="timer"
          aria-label={over ? "Time is up" : `${countdown(left)} left`}
          data-testid="countdown"
          data-ms={Math.max(0, Math.round(left))}
          className="display figures col-span-2 -mb-1 text-[clamp(5.5rem,30vw,8.5rem)] lg:col-span-1 lg:text-[8.5rem]"
        >
          {countdown(left)}
        </p>
        <div className="col-span-2 max-w-[46ch] lg:order-none lg:col-span-1 lg:pb-1">
          <h1
            aria-live="polite"
            data-testid="phase"
            data-phase={round.phase}
            className="text-3xl text-balance lg:text-5xl"
          >
            {headings[round.phase]}
          </h1>
          <p
            className={`mt-2 text-base leading-snug font-medium text-pretty ${round.phase === "open" ? "hidden sm:block" : ""}`}
          >
            {lines[round.phase]}
          </p>
        </div>
        <dl className="figures col-span-2 flex items-end justify-between gap-6 lg:col-span-1 lg:justify-end lg:gap-8 lg:pb-1">
          <div>
            <dt className="text-sm font-semibold">{dark ? "Pot before dark" : "Pot, sat"}</dt>
            <dd data-testid="pot" data-sats={round.pot} className="display mt-1.5 text-4xl lg:text-5xl">
              {count(round.pot)}
            </dd>
          </div>
          <div className="text-right text-sm leading-snug font-semibold">
            <dt className="sr-only">In the arena</dt>
            <dd>{plural(round.players, "player")}</dd>
            <dd>{brief(round.spectators)} watching</dd>
          </div>
        </dl>
      </div>
      <Timeline round={round} now={now} />
      <p className={`relative px-5 pt-2 pb-3.5 text-sm font-semibold sm:px-7 ${dark ? "text-acid" : ""}`}>
        {over || dark
          ? dark
            ? `Entries are closed. Deposits close ${now < round.depositsCloseAt ? `in ${countdown(round.depositsCloseAt - now)}` : "now"}.`
            : "Results appear below as they are ready."
          : `Dark in ${countdown(untilDark)}. Entries close then too.`}
      </p>
    </section>
  );
}

/** The round as a line that is used up; its hatched end is the blind phase. */
function Timeline({ round, now }: { round: RoundVm; now: number }) {
  const length = round.closesAt - round.opensAt;
  const part = (at: number) => Math.min(100, Math.max(0, ((at - round.opensAt) / length) * 100));
  return (
    <div
      className="relative mx-5 h-3 overflow-hidden rounded-full border-2 border-current sm:mx-7"
      aria-hidden="true"
    >
      <div className="hatch absolute inset-y-0 right-0" style={{ left: `${part(round.blindAt)}%` }} />
      <div className="absolute inset-y-0 left-0 bg-current" style={{ width: `${part(now)}%` }} />
    </div>
  );
}
