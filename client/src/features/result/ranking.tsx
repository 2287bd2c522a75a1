/** A finished round in rows: memes by rank, what was paid, where it stands on the chain. Does not own: the numbers. */
import { useMe } from "../../app/hooks.ts";
import type { FinishedVm } from "../../app/model.ts";
import { Picture } from "../../ui/picture.tsx";
import { linkTo, verifyPathOf } from "../../ui/use-path.ts";
import { brief, count, shortId } from "../../ui/words.ts";
import { exhibitOf, memePathOf } from "../gallery/exhibit.ts";
import { useSheets } from "../sheets.tsx";

/** More payouts than these are on the chain for who wants them; here they would hide the player's own. */
const SHOWN_PAYOUTS = 5;
/** All winners there can be (E5). */
const SHOWN_MEMES = 10;

export function Ranking({ finished }: { finished: FinishedVm }) {
  return (
    <section aria-label="Ranking">
      <h3 className="text-lg">Ranking</h3>
      <ol className="mt-1 flex flex-col">
        {finished.detail.memesRanked.slice(0, SHOWN_MEMES).map((meme, place) => (
          <Row
            key={meme.memeId}
            roundId={finished.detail.roundId}
            meme={meme}
            minor={!meme.winner && place >= 4}
          />
        ))}
      </ol>
    </section>
  );
}

interface RowProps {
  roundId: string;
  meme: FinishedVm["detail"]["memesRanked"][number];
  /** Left out on a phone, where the live round waits below. */
  minor: boolean;
}

function Row({ roundId, meme, minor }: RowProps) {
  const { openViewer } = useSheets();
  const exhibit = exhibitOf(roundId, meme);
  return (
    <li
      className={`figures items-center gap-3 border-b border-line py-2 last:border-0 ${minor ? "hidden sm:flex" : "flex"}`}
    >
      <span className={`display w-7 text-xl ${meme.winner ? "text-acid" : "text-mist"}`}>
        {meme.rank || "–"}
      </span>
      <span className="size-10 shrink-0 overflow-hidden rounded-lg">
        <Picture
          src={meme.model?.poster ?? meme.image}
          alt=""
          blurred={meme.blurred === true}
          className="size-full"
        />
      </span>
      <a
        {...linkTo(memePathOf(roundId, meme.memeId))}
        data-testid="meme-link"
        className="min-w-0 flex-1 truncate py-1 text-sm font-medium hover:text-acid hover:underline"
      >
        {meme.takenDown ? "Taken down" : meme.title}
      </a>
      {exhibit && (
        <button
          type="button"
          onClick={() => openViewer(exhibit)}
          aria-label={`See ${meme.title} in 3D`}
          className="rounded-md bg-raised px-2 py-1 text-xs font-bold text-acid hover:bg-line"
        >
          3D
        </button>
      )}
      <span className="text-sm font-semibold">{brief(meme.boostSats)}</span>
    </li>
  );
}

export function Payouts({ finished }: { finished: FinishedVm }) {
  const { playKey } = useMe();
  const { detail } = finished;
  const largest = [...detail.payouts].sort((a, b) => b.won - a.won).slice(0, SHOWN_PAYOUTS);
  const rest = detail.payouts.length - largest.length;
  return (
    <section aria-label="Payouts">
      <h3 className="text-lg">Payouts</h3>
      {finished.myPayoutSats > 0 && (
        <p className="figures mt-3 rounded-xl bg-acid px-4 py-3 text-ink">
          <span className="display block text-3xl">{count(finished.myPayoutSats)} sat</span>
          <span className="text-sm font-semibold">
            for you: {count(finished.myWonSats)} won, {count(finished.myPayoutSats - finished.myWonSats)}{" "}
            returned
          </span>
        </p>
      )}
      <ul className="figures mt-2 text-sm">
        {largest.map((payout) => (
          <li
            key={payout.playKey}
            className={`flex justify-between gap-3 py-1.5 ${payout.playKey === playKey ? "font-bold text-acid" : ""}`}
          >
            <span className="text-mist">
              {payout.playKey === playKey ? "You" : shortId(payout.playKey.slice(2))}
            </span>
            <span>
              {count(payout.won)} won<span className="text-mist">, {count(payout.returned)} back</span>
            </span>
          </li>
        ))}
      </ul>
      {rest > 0 && <p className="text-sm text-mist">and {count(rest)} more</p>}
    </section>
  );
}

const stands = {
  pending: "The payment is being signed.",
  sent: "Paid out. Waiting for a block.",
  mined: "Paid out and mined.",
} as const;

interface OnChainProps {
  roundId: string;
  txids: string[];
  settlement: keyof typeof stands;
}

export function OnChain({ roundId, txids, settlement }: OnChainProps) {
  return (
    <section aria-label="On chain" className="text-sm">
      <p className="font-semibold">{stands[settlement]}</p>
      <ul className="mt-1 flex flex-wrap gap-x-3 gap-y-1">
        {txids.map((txid) => (
          <li key={txid}>
            <a
              href={`/api/wallet/tx/${txid}`}
              target="_blank"
              rel="noreferrer"
              title={txid}
              data-testid="result-txid"
              className="figures text-mist underline underline-offset-4 hover:text-acid"
            >
              {shortId(txid, 8)}
            </a>
          </li>
        ))}
      </ul>
      <a
        {...linkTo(verifyPathOf(roundId))}
        data-testid="verify-link"
        className="mt-1 inline-block py-1 font-semibold text-acid underline underline-offset-4 hover:text-acid-soft"
      >
        Check this round yourself
      </a>
    </section>
  );
}
