/** The ranked memes: the leader large, the rest in order. Owns: their places. Does not own: rank or score (E5). */
import { useRef } from "react";
import { useMe } from "../../app/hooks.ts";
import type { RoundVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { useFlip } from "../../ui/use-flip.ts";
import { count } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";
import { MemeCard } from "./meme-card.tsx";

export function MemeBoard({ round, amount }: { round: RoundVm; amount: number }) {
  const grid = useRef<HTMLOListElement>(null);
  useFlip(grid, round.memes.map((meme) => meme.memeId).join());
  if (round.memes.length === 0) return <EmptyRing round={round} />;
  return (
    <ol
      ref={grid}
      aria-label={round.phase === "blind" ? "Memes, as ranked before the dark" : "Memes by rank"}
      className="grid grid-cols-2 gap-3 sm:grid-cols-3 sm:gap-4 xl:grid-cols-4"
    >
      {round.memes.map((meme, place) => (
        <MemeCard
          key={meme.memeId}
          meme={meme}
          phase={round.phase}
          amount={amount}
          lead={place === 0 && round.memes.length > 1}
        />
      ))}
    </ol>
  );
}

function EmptyRing({ round }: { round: RoundVm }) {
  const { openEnter, openWallet } = useSheets();
  const me = useMe();
  const open = round.phase === "open";
  return (
    <div className="relative overflow-hidden rounded-3xl border-2 border-dashed border-edge p-6 sm:p-12">
      <p className="display max-w-[14ch] text-5xl text-balance sm:text-7xl">The ring is empty.</p>
      <p className="mt-5 max-w-[44ch] text-lg text-mist">
        {open
          ? `First in, first seen. Entering costs ${count(round.entryPrice)} sat, and whoever backs you early counts double.`
          : "Nobody entered in time. The next round opens at once."}
      </p>
      {open && (
        <Button
          look="primary"
          size="large"
          className="mt-7"
          onClick={() =>
            me.signedIn ? openEnter() : openWallet("Entering a meme takes a key and some sats in the round.")
          }
        >
          Be the first
        </Button>
      )}
    </div>
  );
}
