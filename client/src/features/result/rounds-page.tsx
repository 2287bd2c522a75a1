/** Finished rounds, newest first. Does not own: their details, which are public under /api/rounds. */
import { useRounds } from "../../app/hooks.ts";
import { OutIcon } from "../../ui/icons.tsx";
import { Picture } from "../../ui/picture.tsx";
import { linkTo, verifyPathOf } from "../../ui/use-path.ts";
import { brief, count, dayOf, plural, timeOf } from "../../ui/words.ts";
import { memePathOf } from "../gallery/exhibit.ts";

export function RoundsPage() {
  const rounds = useRounds();
  return (
    <section aria-labelledby="rounds-title" className="mx-auto max-w-4xl pt-8 sm:pt-12">
      <h1 id="rounds-title" className="text-5xl sm:text-7xl">
        Every round
      </h1>
      <p className="mt-4 max-w-[52ch] text-lg text-mist">
        Nobody has to be believed. A finished round's journal, deposits and payouts are public, to the
        satoshi.
      </p>
      {rounds.length === 0 && <p className="mt-12 text-mist">No round has finished yet.</p>}
      <ul className="mt-8">
        {rounds.map((round) => (
          <li
            key={round.roundId}
            data-testid="round-row"
            data-round-id={round.roundId}
            className="figures flex flex-wrap items-center gap-x-5 gap-y-2 border-t border-line py-4"
          >
            <Picture src={round.winner?.image ?? ""} alt="" className="size-16 rounded-xl" />
            <div className="min-w-0 flex-1 basis-48">
              <p className="truncate font-display text-xl font-bold">
                {round.outcome === "voided" ? (
                  "Void: no contest"
                ) : round.winner?.title ? (
                  <a
                    {...linkTo(memePathOf(round.roundId, round.winner.memeId))}
                    data-testid="meme-link"
                    className="hover:text-acid hover:underline"
                  >
                    {round.winner.title}
                  </a>
                ) : (
                  "No winner to show"
                )}
              </p>
              <p className="mt-1 text-sm text-mist">
                {dayOf(round.closesAt)}, {timeOf(round.closesAt)}. {plural(round.memes, "meme")},{" "}
                {plural(round.players, "player")}, {round.settlement}
              </p>
            </div>
            <p className="display text-2xl" title={`${count(round.pot)} sat`}>
              {brief(round.pot)} <span className="label font-text tracking-normal">sat</span>
            </p>
            <nav aria-label="Public data" className="flex gap-3 text-sm">
              <a
                {...linkTo(verifyPathOf(round.roundId))}
                data-testid="verify-link"
                className="inline-flex items-center gap-1 py-2 font-semibold text-acid underline underline-offset-4 hover:text-acid-soft"
              >
                Verify
              </a>
              {/* A voided round's journal stays closed: it names creators (R6). */}
              {round.outcome === "closed" && (
                <Data href={`/api/rounds/${round.roundId}/journal`}>Journal</Data>
              )}
              <Data href={`/api/rounds/${round.roundId}/proof`}>Proof</Data>
            </nav>
          </li>
        ))}
      </ul>
    </section>
  );
}

const Data = ({ href, children }: { href: string; children: string }) => (
  <a
    href={href}
    target="_blank"
    rel="noreferrer"
    className="inline-flex items-center gap-1 py-2 font-semibold text-mist underline underline-offset-4 hover:text-acid"
  >
    {children}
    <OutIcon />
  </a>
);
