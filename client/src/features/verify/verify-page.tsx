/**
 * /rounds/:id/verify (M10): the checks of a finished round, made in this browser from the chain. Owns: the picture of
 * them. Does not own: the checks, or fetching.
 */
import type { Verdict } from "@meme-rounds/shared-schema/verify-round";
import { CHECKS } from "@meme-rounds/shared-schema/verify-round-parts";
import { useState } from "react";
import { explorerLink } from "../../net/chain.ts";
import { Button } from "../../ui/button.tsx";
import { linkTo } from "../../ui/use-path.ts";
import { CheckRow } from "./check-row.tsx";
import { useVerification, type Verification } from "./use-verification.ts";

const VERDICTS: Record<Verdict, { look: string; title: string; words: string }> = {
  green: {
    look: "bg-acid text-ink",
    title: "All of it is right",
    words: "Nobody had to be believed: your browser checked it.",
  },
  red: {
    look: "bg-flare text-ink",
    title: "Something is wrong",
    words: "At least one check is red. Below it says which, and why.",
  },
  incomplete: {
    look: "bg-raised text-chalk",
    title: "Not all of it is there yet",
    words: "Nothing is wrong so far. Look again when the payment is in a block.",
  },
};

export default function VerifyPage({ roundId }: { roundId: string }) {
  const [run, setRun] = useState(0);
  const view = useVerification(roundId, run);
  const { place, checks } = view;
  return (
    <section aria-labelledby="verify-title" className="mx-auto max-w-4xl pt-8 sm:pt-12">
      <p className="text-sm font-semibold text-mist">
        <a {...linkTo("/rounds")} className="underline underline-offset-4 hover:text-acid">
          Every round
        </a>
      </p>
      <h1 id="verify-title" className="mt-4 text-4xl text-balance sm:text-6xl">
        Check this round yourself
      </h1>
      <p className="mt-4 max-w-[62ch] text-lg text-mist">
        Your browser fetches round <span className="figures font-semibold text-chalk">{roundId}</span> from
        the blockchain{place && `, through ${new URL(place.wocUrl).host},`} and computes everything again.
        What our server says counts for nothing here.
      </p>
      <Banner view={view} onAgain={() => setRun((before) => before + 1)} />
      <ol className="mt-8" aria-label="Checks" data-testid="checks">
        {CHECKS.map(({ id, title, means }, at) => (
          <CheckRow
            key={id}
            title={title}
            means={means}
            check={checks.find((check) => check.id === id)}
            isLast={at === CHECKS.length - 1}
            explorer={(txid) => (place ? explorerLink(place, txid) : `/api/wallet/tx/${txid}`)}
          />
        ))}
      </ol>
    </section>
  );
}

/** Where it stands, and at the end what came out. Announced as it changes. */
function Banner({ view, onAgain }: { view: Verification; onAgain: () => void }) {
  const { verdict, failed, doing, checks, seconds } = view;
  const shown = verdict === undefined ? undefined : VERDICTS[verdict];
  const look = shown?.look ?? (failed ? "bg-flare/12 border-l-4 border-flare" : "bg-floor");
  return (
    <div
      role="status"
      data-testid="verdict"
      data-verdict={verdict ?? (failed ? "failed" : "")}
      data-fetch-seconds={seconds?.fetch}
      data-verify-seconds={seconds?.verify}
      className={`mt-8 flex flex-wrap items-center gap-x-6 gap-y-3 rounded-2xl p-5 transition-colors duration-300 ${look}`}
    >
      <div className="min-w-0 flex-1 basis-60">
        <p className="display text-2xl sm:text-3xl">
          {shown?.title ??
            (failed ? "It could not be checked" : checks.length > 0 ? "Checking…" : "Fetching…")}
        </p>
        <p className="mt-2 text-[0.9375rem] font-medium">
          {shown?.words ??
            (failed
              ? `Reason: ${failed}.`
              : checks.length > 0
                ? `${checks.length} of ${CHECKS.length} checks made`
                : `${doing ?? "the chain"}`)}
        </p>
        {seconds && (
          <p className="figures mt-1 text-sm">
            Fetched in {seconds.fetch.toFixed(1)} s, checked in {seconds.verify.toFixed(1)} s.
          </p>
        )}
      </div>
      {(shown || failed) && (
        <Button look="solid" size="small" onClick={onAgain} data-testid="verify-again">
          Check again
        </Button>
      )}
    </div>
  );
}
