/** Rounds one has played, with stakes and payouts, each leading to its proof. Does not own: the figures (GET /me/activity). */
import type { ActivityRound } from "@meme-rounds/shared-schema/rest-activity";
import { Button } from "../../ui/button.tsx";
import { linkTo, verifyPathOf } from "../../ui/use-path.ts";
import { count, dayOf, plural, signed, timeOf } from "../../ui/words.ts";

interface PlayedRoundsProps {
  rounds: readonly ActivityRound[];
  /** There are older ones. */
  more: boolean;
  pending: boolean;
  onMore(): void;
}

export function PlayedRounds({ rounds, more, pending, onMore }: PlayedRoundsProps) {
  return (
    <section aria-label="Rounds you played" className="flex flex-col gap-2">
      <h2 className="text-3xl">Rounds</h2>
      <ul className="figures">
        {rounds.map((round) => (
          <li
            key={`${round.roundId}-${round.playKey}`}
            data-testid="played-round"
            data-round-id={round.roundId}
            className="flex flex-wrap items-center gap-x-6 gap-y-2 border-b border-line py-3.5 last:border-0"
          >
            <p className="min-w-0 flex-1 basis-44">
              <span className="block font-medium">
                {dayOf(round.closesAt)}, {timeOf(round.closesAt)}
                {round.outcome === "voided" && <span className="text-flare"> void</span>}
              </span>
              <span className="text-sm text-mist">
                {round.memes.length > 0 ? `${plural(round.memes.length, "meme")} of yours, ` : ""}
                {count(round.stakedSats)} of {count(round.depositedSats)} sat staked
              </span>
            </p>
            <dl className="flex gap-6 text-right text-sm">
              <div>
                <dt className="text-mist">Won</dt>
                <dd className="font-medium">{count(round.wonSats)}</dd>
              </div>
              <div>
                <dt className="text-mist">Back</dt>
                <dd className="font-medium">{count(round.returnedSats)}</dd>
              </div>
              <div>
                <dt className="text-mist">Net</dt>
                <dd
                  className={`font-display text-base font-bold ${round.netSats > 0 ? "text-acid" : ""}`}
                  data-testid="round-net"
                  data-sats={round.netSats}
                >
                  {signed(round.netSats)}
                </dd>
              </div>
            </dl>
            <a
              {...linkTo(verifyPathOf(round.roundId))}
              data-testid="verify-link"
              className="py-2 text-sm font-semibold text-acid underline underline-offset-4 hover:text-acid-soft"
            >
              Verify
            </a>
          </li>
        ))}
      </ul>
      {more && (
        <Button className="self-start" pending={pending} onClick={onMore} data-testid="more-rounds">
          Older rounds
        </Button>
      )}
    </section>
  );
}
