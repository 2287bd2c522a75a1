/** What one press of Boost is worth; on a phone also the switch between memes and chat. Does not own: boosting. */
import type { RoundVm } from "../../app/model.ts";
import { Chips } from "../../ui/chips.tsx";
import { count } from "../../ui/words.ts";

interface BoostBarProps {
  round: RoundVm;
  amounts: readonly number[];
  amount: number;
  tab: "memes" | "chat";
  onAmount(amount: number): void;
  onTab(tab: "memes" | "chat"): void;
}

export function BoostBar({ round, amounts, amount, tab, onAmount, onTab }: BoostBarProps) {
  const tabs = [
    { id: "memes", name: "Memes", size: round.memes.length },
    { id: "chat", name: "Chat", size: round.chat.length },
  ] as const;
  return (
    <div className="sticky top-0 z-20 -mx-4 flex items-center justify-between gap-3 bg-pit px-4 py-3 sm:mx-0 sm:px-0 lg:mt-2">
      <h2 className="hidden text-2xl lg:block">
        {round.memes.length === 0 ? "No memes yet" : `${round.memes.length} in the ring`}
      </h2>
      <div className="flex gap-4 lg:hidden">
        {tabs.map((one) => (
          <button
            key={one.id}
            type="button"
            aria-pressed={tab === one.id}
            onClick={() => onTab(one.id)}
            className={`figures flex items-baseline gap-1.5 py-2 font-display text-lg font-bold ${tab === one.id ? "text-chalk underline decoration-acid decoration-3 underline-offset-8" : "text-mist"}`}
          >
            {one.name}
            <span className="text-sm text-mist">{count(one.size)}</span>
          </button>
        ))}
      </div>
      <div className={`items-center gap-3 ${tab === "memes" ? "flex" : "hidden lg:flex"}`}>
        <span className="label hidden sm:block">One boost, sat</span>
        <Chips
          label="Sats in one boost"
          amounts={amounts}
          value={amount}
          testPrefix="boost-amount"
          onChange={onAmount}
        />
      </div>
    </div>
  );
}
