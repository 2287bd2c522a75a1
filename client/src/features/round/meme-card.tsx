/** One meme in the ring: picture, rank, backing, the boost button. Does not own: whether a boost is taken (R8, E2). */
import type { ReactNode } from "react";
import { useActions, useMe } from "../../app/hooks.ts";
import type { MemeVm, PhaseVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { FlagIcon, UpIcon } from "../../ui/icons.tsx";
import { Picture } from "../../ui/picture.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { brief, count, plural } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";

interface MemeCardProps {
  meme: MemeVm;
  phase: PhaseVm;
  amount: number;
  /** The leader takes four places. */
  lead: boolean;
}

export function MemeCard({ meme, phase, amount, lead }: MemeCardProps) {
  const dark = phase === "blind";
  return (
    <li
      data-flip={meme.memeId}
      data-testid="meme-card"
      data-meme-id={meme.memeId}
      data-rank={meme.rank}
      data-mine={meme.mine || undefined}
      className={`group relative flex flex-col overflow-hidden rounded-2xl bg-floor ${lead ? "col-span-2 row-span-2" : ""} ${meme.mine ? "ring-2 ring-chalk" : ""}`}
    >
      <div
        className={`relative min-h-0 overflow-hidden bg-raised ${lead ? "aspect-square flex-1 sm:aspect-auto" : "aspect-square"}`}
      >
        <Picture
          src={meme.image}
          alt={meme.blurred ? "Blurred: reported, a moderator is looking" : meme.title}
          blurred={meme.blurred || meme.takenDown}
          whole
          className={`absolute inset-0 size-full transition-[filter] duration-700 ${dark ? "brightness-[0.35] grayscale group-hover:brightness-90" : ""}`}
        />
        <Flags meme={meme} phase={phase} />
      </div>
      <div className={`flex flex-col gap-3 p-3 ${lead ? "sm:p-5" : ""}`}>
        <div className={`flex items-start ${lead ? "gap-4" : "gap-2.5"}`}>
          <Rank meme={meme} dark={dark} lead={lead} />
          <h3
            title={meme.title}
            className={`line-clamp-2 min-w-0 flex-1 leading-[1.08] text-pretty ${lead ? "text-2xl sm:text-3xl" : "min-h-[2.16em] text-base sm:text-lg"}`}
          >
            {meme.title}
          </h3>
        </div>
        <div className="figures flex items-center justify-between gap-2 text-sm whitespace-nowrap">
          <span
            className={`font-display font-bold ${lead ? "text-2xl" : "text-lg"} ${dark ? "text-mist" : "text-acid"}`}
          >
            <span key={meme.boostSats} className="bump inline-block">
              {lead ? count(meme.boostSats) : brief(meme.boostSats)}
            </span>
            <span className={`label ml-1 ${lead ? "" : "hidden sm:inline"}`}>sat</span>
          </span>
          <Tags meme={meme}>{dark ? "before dark" : plural(meme.backers, "backer")}</Tags>
        </div>
        <Back meme={meme} phase={phase} amount={amount} large={lead} />
      </div>
    </li>
  );
}

function Rank({ meme, dark, lead }: { meme: MemeVm; dark: boolean; lead: boolean }) {
  const words = dark ? "Rank hidden" : meme.rank > 0 ? `Rank ${meme.rank}` : "Not ranked";
  const look = dark ? "bg-black text-acid" : meme.rank === 1 ? "bg-acid text-ink" : "bg-raised text-chalk";
  return (
    <p
      className={`display figures grid shrink-0 place-items-center ${lead ? "h-14 min-w-14 rounded-xl px-3 text-4xl" : "h-9 min-w-9 rounded-lg px-2 text-xl"} ${look}`}
    >
      <span className="sr-only">{words}</span>
      <span aria-hidden="true">{dark ? "?" : meme.rank > 0 ? meme.rank : "–"}</span>
    </p>
  );
}

function Flags({ meme, phase }: { meme: MemeVm; phase: PhaseVm }) {
  const me = useMe();
  const actions = useActions();
  const toasts = useToasts();
  const report = useTask(() => actions.report(meme.memeId, "not fit for the arena"));
  const send = async () => {
    const outcome = await report.run();
    if (outcome?.ok) toasts.tell("Reported. A moderator looks at it.");
    else if (outcome) toasts.fail(outcome);
  };
  return (
    <div className="absolute right-2 bottom-2">
      {me.signedIn && phase === "open" && !meme.mine && !meme.blurred && (
        <button
          type="button"
          onClick={send}
          disabled={report.pending}
          aria-label={`Report ${meme.title}`}
          title="Report"
          className="grid size-9 place-items-center rounded-full bg-pit/85 text-mist opacity-0 transition-opacity group-hover:opacity-100 hover:text-flare focus-visible:opacity-100 pointer-coarse:opacity-100"
        >
          <FlagIcon />
        </button>
      )}
    </div>
  );
}

/** What this meme is to the player; for most, how many back it. */
function Tags({ meme, children }: { meme: MemeVm; children: ReactNode }) {
  if (meme.takenDown) return <Tag>Taken down</Tag>;
  if (meme.blurred) return <Tag>Reported</Tag>;
  if (meme.myBoostSats > 0) return <Tag loud>You: {brief(meme.myBoostSats)}</Tag>;
  return <span className="label">{children}</span>;
}

const Tag = ({ children, loud }: { children: ReactNode; loud?: boolean }) => (
  <span
    className={`figures rounded-md px-2 py-1 text-xs leading-none font-bold ${loud ? "bg-acid text-ink" : "bg-chalk text-ink"}`}
  >
    {children}
  </span>
);

function Back({
  meme,
  phase,
  amount,
  large,
}: {
  meme: MemeVm;
  phase: PhaseVm;
  amount: number;
  large: boolean;
}) {
  const me = useMe();
  const actions = useActions();
  const toasts = useToasts();
  const { openWallet } = useSheets();
  const boost = useTask(() => actions.boost(meme.memeId, amount));
  const press = async () => {
    if (!me.signedIn) return openWallet("Backing a meme takes a key and some sats in the round.");
    if (me.inRoundSats < amount) return openWallet("Put sats into this round to back memes with.");
    const outcome = await boost.run();
    if (outcome && !outcome.ok) toasts.fail(outcome);
  };
  if (meme.mine) return <Plain>Your entry</Plain>;
  if (meme.takenDown) return <Plain>Boosts return</Plain>;
  if (phase !== "open" && phase !== "blind") return <Plain>Closed</Plain>;
  return (
    <Button
      wide
      look={large ? "primary" : "quiet"}
      size={large ? "large" : "medium"}
      pending={boost.pending}
      onClick={press}
      data-testid="boost"
      aria-label={`Boost ${meme.title} with ${amount} sat`}
      className={large ? "" : "enabled:group-hover:bg-acid enabled:group-hover:text-ink"}
    >
      <UpIcon />
      <span>
        {large || phase === "blind" ? "Boost " : <span className="hidden sm:inline">Boost </span>}
        {count(amount)}
      </span>
    </Button>
  );
}

const Plain = ({ children }: { children: ReactNode }) => (
  <p className="grid h-12 place-items-center rounded-xl border border-line px-2 text-center text-sm font-medium text-mist">
    {children}
  </p>
);
