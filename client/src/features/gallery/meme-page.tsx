/**
 * One meme of a finished round on a page of its own, which others are sent to (C7): the viewer, how it did, where that can
 * be checked. Does not own: the head of the document as crawlers see it (the server writes that).
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { type ReactNode, useEffect } from "react";
import { useRoundDetail } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Picture } from "../../ui/picture.tsx";
import { linkTo, verifyPathOf } from "../../ui/use-path.ts";
import { count, dayOf, plural, timeOf } from "../../ui/words.ts";
import { exhibitOf } from "./exhibit.ts";
import { Viewer } from "./viewer.tsx";

type Ranked = RoundDetail["memesRanked"][number];

const STAGE = "h-[min(56dvh,46rem)] sm:h-[min(70dvh,46rem)]";

export function MemePage({ roundId, memeId }: { roundId: string; memeId: string }) {
  const memeOf = (detail: RoundDetail) => detail.memesRanked.find((meme) => meme.memeId === memeId);
  const { detail, failure, retry } = useRoundDetail(roundId, (round) => {
    const meme = memeOf(round);
    return meme?.winner === true && !meme.model && !meme.takenDown && meme.sculpture !== "review";
  });
  const meme = detail && memeOf(detail);
  const title = meme && !meme.takenDown ? meme.title : "";
  useEffect(() => {
    if (title === "") return;
    const before = document.title;
    document.title = `${title} · Meme Rounds`;
    return () => {
      document.title = before;
    };
  }, [title]);
  if (failure?.code === "ROUND_LIVE")
    return <Nothing heading="This round is still on" text="Its memes get their pages when it is over." />;
  if (failure?.code === "ROUND_UNKNOWN" || failure?.code === "BAD_REQUEST" || (detail && !meme))
    return <Nothing heading="No such meme" text="Look at the address again, or at the winners." />;
  if (meme?.takenDown)
    return <Nothing heading="Taken down" text="A moderator took this meme down. It is not shown any more." />;
  if (!detail || !meme)
    return (
      <section className="pt-12">
        {failure ? (
          <div className="max-w-lg">
            <ErrorNote failure={failure} />
            <Button className="mt-4" onClick={retry}>
              Try again
            </Button>
          </div>
        ) : (
          <p role="status" className="text-lg">
            Fetching the meme…
          </p>
        )}
      </section>
    );
  return <Shown detail={detail} meme={meme} />;
}

function Shown({ detail, meme }: { detail: RoundDetail; meme: Ranked }) {
  const exhibit = exhibitOf(detail.roundId, meme);
  return (
    <article
      data-testid="meme-page"
      data-meme-id={meme.memeId}
      className="grid gap-6 pt-6 sm:pt-10 lg:grid-cols-[minmax(0,1fr)_20rem] lg:gap-10"
    >
      <header className="lg:col-start-2 lg:row-start-1 lg:self-start">
        {meme.winner && (
          <span className="rounded-md bg-acid px-2 py-1 text-sm font-bold text-ink">
            {meme.rank === 1 ? "Winner" : "Among the winners"}
          </span>
        )}
        <h1 className="mt-3 text-4xl text-balance wrap-anywhere sm:text-5xl">{meme.title}</h1>
        <dl className="figures mt-6 hidden grid-cols-2 gap-x-4 gap-y-4 lg:grid">
          <Facts detail={detail} meme={meme} />
        </dl>
        <div className="hidden lg:block">
          <Links roundId={detail.roundId} />
        </div>
      </header>
      <div className="min-w-0 lg:col-start-1 lg:row-start-1">
        {exhibit ? (
          <Viewer exhibit={exhibit} className={STAGE} />
        ) : (
          <figure>
            <div className={`relative overflow-hidden rounded-2xl bg-pit ${STAGE}`}>
              <Picture
                src={meme.image}
                alt={meme.title}
                blurred={meme.blurred === true}
                whole
                className="absolute inset-0"
              />
            </div>
            <figcaption role="status" className="mt-4 text-sm text-mist">
              {!meme.winner
                ? "Winners are sculpted in 3D; this one was not among them."
                : meme.sculpture === "review"
                  ? "A moderator looks at its model before it is shown."
                  : "Being sculpted in 3D. The model appears here by itself."}
            </figcaption>
          </figure>
        )}
      </div>
      <div className="lg:hidden">
        <dl className="figures grid grid-cols-2 gap-4">
          <Facts detail={detail} meme={meme} />
        </dl>
        <Links roundId={detail.roundId} />
      </div>
    </article>
  );
}

function Facts({ detail, meme }: { detail: RoundDetail; meme: Ranked }) {
  return (
    <>
      <Fact name="Place">
        {meme.rank > 0 ? `${meme.rank} of ${detail.memesRanked.length}` : "Not ranked"}
      </Fact>
      <Fact name="Backed with">{count(meme.boostSats)} sat</Fact>
      <Fact name="By">{plural(meme.backers, "backer")}</Fact>
      <Fact name="Pot of its round">{count(detail.pot)} sat</Fact>
      <Fact name="Round">
        {dayOf(detail.closesAt)}, {timeOf(detail.closesAt)}
      </Fact>
    </>
  );
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt className="label">{name}</dt>
    <dd className="mt-0.5 font-display text-xl font-bold">{children}</dd>
  </div>
);

const link = "py-1.5 font-semibold text-acid underline underline-offset-4 hover:text-acid-soft";

const Links = ({ roundId }: { roundId: string }) => (
  <nav aria-label="From here" className="mt-6 flex flex-col items-start border-t border-line pt-4 text-sm">
    <a {...linkTo(verifyPathOf(roundId))} data-testid="verify-link" className={link}>
      Check this round yourself
    </a>
    <a {...linkTo("/gallery")} className={link}>
      All winners in 3D
    </a>
    <a {...linkTo("/")} className={link}>
      The round that is on now
    </a>
  </nav>
);

const Nothing = ({ heading, text }: { heading: string; text: string }) => (
  <section data-testid="no-meme" className="pt-12">
    <h1 className="text-5xl sm:text-6xl">{heading}</h1>
    <p className="mt-4 text-lg text-mist">{text}</p>
    <nav aria-label="From here" className="mt-6 flex gap-6">
      <a {...linkTo("/gallery")} className={link}>
        All winners in 3D
      </a>
      <a {...linkTo("/")} className={link}>
        The round that is on now
      </a>
    </nav>
  </section>
);
