/**
 * The newest finished round: who won, what it paid, the models being made. Open while results are fresh, a strip
 * after that. Does not own: any of the numbers.
 */
import { useState } from "react";
import { useServerNow } from "../../app/hooks.ts";
import type { FinishedVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { CubeIcon } from "../../ui/icons.tsx";
import { Picture } from "../../ui/picture.tsx";
import { count, plural } from "../../ui/words.ts";
import { exhibitOf } from "../gallery/exhibit.ts";
import { Poster } from "../gallery/poster.tsx";
import { useSheets } from "../sheets.tsx";
import { OnChain, Payouts, Ranking } from "./ranking.tsx";
import { sculptingOf } from "./sculpting.ts";

/** How long a result is unfolded by itself: as long as the round's own room shows it (R3), ms. */
const FRESH_MS = 60_000;

export function ResultPanel({ finished }: { finished: FinishedVm }) {
  const { detail } = finished;
  const fresh = useServerNow(1_000) < detail.closesAt + FRESH_MS;
  const [choice, setChoice] = useState<boolean>();
  const open = choice ?? fresh;
  const best = detail.memesRanked.find((meme) => meme.winner);
  return (
    <section
      aria-label="Last round's result"
      data-testid="result"
      data-round-id={detail.roundId}
      data-outcome={detail.outcome}
      className="mt-4 rounded-2xl bg-floor sm:mt-6"
    >
      <div className="flex items-center gap-3 p-3 sm:gap-4 sm:pr-4">
        {best && !open && (
          <Picture src={best.image} alt="" className="size-12 shrink-0 rounded-xl sm:size-14" />
        )}
        <div className={`min-w-0 flex-1 ${open ? "pl-2" : ""}`}>
          <h2 className={open ? "pt-2 text-2xl" : "line-clamp-2 text-base leading-tight sm:text-lg"}>
            {detail.outcome === "voided" ? "Last round was void" : open ? "Last round" : best?.title}
          </h2>
          {!open && (
            <p className="figures mt-1 hidden truncate text-sm text-mist sm:block">
              {detail.outcome === "voided"
                ? "Every deposit went back."
                : `Won the last round, ${count(detail.pot)} sat pot`}
            </p>
          )}
        </div>
        <MyPayout finished={finished} />
        <Button size="small" aria-expanded={open} onClick={() => setChoice(!open)}>
          {open ? "Fold" : "Show"}
        </Button>
      </div>
      {open && <Unfolded finished={finished} />}
    </section>
  );
}

/** Reasons come as bare phrases. */
const sentenceOf = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}`;

function MyPayout({ finished }: { finished: FinishedVm }) {
  if (finished.myPayoutSats === 0) return null;
  return (
    <p
      className="figures text-right leading-none"
      data-testid="result-payout"
      data-sats={finished.myPayoutSats}
    >
      <span className="label block text-xs">Paid to you</span>
      <span className="mt-1 block font-display text-xl font-bold text-acid">
        {count(finished.myPayoutSats)}
      </span>
    </p>
  );
}

function Unfolded({ finished }: { finished: FinishedVm }) {
  const { detail } = finished;
  const { openViewer } = useSheets();
  const best = detail.memesRanked.find((meme) => meme.winner);
  const winners = detail.memesRanked.filter((meme) => meme.winner);
  const sculpting = sculptingOf(winners);
  const exhibit = best && exhibitOf(detail.roundId, best);
  if (detail.outcome === "voided") {
    return (
      <p className="px-5 pb-5 text-mist">
        {sentenceOf(detail.reason ?? "there was no contest")} Every deposit goes back in full, seat fee
        included.
      </p>
    );
  }
  return (
    <div className="grid gap-5 p-3 pt-0 md:grid-cols-2">
      <div className="flex flex-col gap-4">
        {best && (
          <figure className="relative aspect-square overflow-hidden rounded-xl bg-pit">
            {best.model && exhibit ? (
              <Poster
                title={best.title}
                model={best.model}
                blurred={best.blurred === true}
                className="absolute inset-0"
                onOpen={() => openViewer(exhibit)}
              />
            ) : (
              <Picture
                src={best.image}
                alt={best.title}
                blurred={best.blurred === true}
                whole
                className="absolute inset-0"
              />
            )}
            <figcaption className="pointer-events-none absolute inset-x-0 bottom-0 bg-linear-to-t from-black via-black/75 to-transparent p-5 pt-24">
              <span className="rounded-md bg-acid px-2 py-1 text-sm font-bold text-ink">Winner</span>
              <span className="display mt-3 block text-3xl text-balance sm:text-4xl">{best.title}</span>
              <span className="figures mt-2 block text-sm font-medium">
                {count(best.boostSats)} sat from {plural(best.backers, "backer")}
                {exhibit && ". Press to turn it in 3D."}
              </span>
            </figcaption>
          </figure>
        )}
        {sculpting.text !== "" && (
          <p role="status" className="flex items-center gap-2.5 px-2 text-sm font-medium md:px-0">
            <span className={`text-acid ${sculpting.busy ? "breathe" : ""}`}>
              <CubeIcon />
            </span>
            <span data-testid="result-sculpting">{sculpting.text}</span>
          </p>
        )}
        <div className="px-2 md:px-0">
          <OnChain roundId={detail.roundId} txids={detail.txids} settlement={detail.settlement} />
        </div>
      </div>
      <div className="flex min-w-0 flex-col gap-4 px-2 pb-2 md:px-0 md:pr-2">
        <Payouts finished={finished} />
        <Ranking finished={finished} />
      </div>
    </div>
  );
}
