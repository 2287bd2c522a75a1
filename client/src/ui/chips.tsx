/** A row of amounts of which one is chosen. Owns: the choice's look and semantics. Does not own: the amounts. */
import { count } from "./words.ts";

interface ChipsProps {
  label: string;
  amounts: readonly number[];
  value: number;
  /** `<prefix>-<amount>` names each chip for tests. */
  testPrefix: string;
  onChange(amount: number): void;
}

export function Chips({ label, amounts, value, testPrefix, onChange }: ChipsProps) {
  return (
    <fieldset className="flex min-w-0 gap-1.5">
      <legend className="sr-only">{label}</legend>
      {amounts.map((amount) => (
        <button
          key={amount}
          type="button"
          aria-pressed={amount === value}
          data-testid={`${testPrefix}-${amount}`}
          onClick={() => onChange(amount)}
          className={`figures h-10 min-w-13 rounded-lg px-3 font-display text-base font-bold transition-colors ${
            amount === value ? "bg-acid text-ink" : "bg-raised text-chalk hover:bg-line"
          }`}
        >
          {count(amount)}
        </button>
      ))}
    </fieldset>
  );
}
