/** Excluding oneself from playing (I6): two steps, since nobody can take it back. Does not own: enforcing it. */
import type { PlayLimits, PlayLimitsWish } from "@meme-rounds/shared-schema/rest-me";
import { useId, useState } from "react";
import { Button } from "../../ui/button.tsx";

const SPANS = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "1825", label: "5 years" },
  { value: "forever", label: "for ever" },
] as const;

interface ExclusionProps {
  until: PlayLimits["excludedUntil"];
  pending: boolean;
  change(wish: PlayLimitsWish): Promise<boolean>;
  when(at: number): string;
}

export function Exclusion({ until, pending, change, when }: ExclusionProps) {
  const [value, setValue] = useState<string>("30");
  const [sure, setSure] = useState(false);
  const id = useId();
  const label = SPANS.find((span) => span.value === value)?.label ?? "";
  const submit = async () => {
    const days = value === "forever" ? ("forever" as const) : Number(value);
    if (await change({ selfExclusion: { days, confirm: "exclude me" } })) setSure(false);
  };
  return (
    <div className="flex flex-col gap-3 border-t border-line pt-5">
      <h3 className="text-lg">Exclude yourself</h3>
      <p className="text-sm text-mist" data-testid="exclusion-now">
        {until === undefined
          ? "No playing at all. Nobody can lift it before it ends, not even we. Your coins stay yours: withdrawing works all the time."
          : until === "forever"
            ? "You have excluded yourself from playing, for good."
            : `You have excluded yourself until ${when(until)}.`}
      </p>
      {until !== "forever" && (
        <div className="flex flex-wrap items-center gap-2">
          <label htmlFor={id} className="sr-only">
            For how long
          </label>
          <select
            id={id}
            value={value}
            onChange={(event) => {
              setValue(event.target.value);
              setSure(false);
            }}
            className="h-12 rounded-xl border-2 border-line bg-pit px-4 text-base text-chalk hover:border-edge focus:border-acid"
            data-testid="exclusion-span"
          >
            {SPANS.map((span) => (
              <option key={span.value} value={span.value}>
                {span.label}
              </option>
            ))}
          </select>
          {sure ? (
            <>
              <Button look="primary" pending={pending} onClick={submit} data-testid="exclusion-confirm">
                Exclude me {value === "forever" ? label : `for ${label}`}
              </Button>
              <Button onClick={() => setSure(false)}>Not now</Button>
            </>
          ) : (
            <Button
              look="outline"
              disabled={pending}
              onClick={() => setSure(true)}
              data-testid="exclusion-ask"
            >
              Exclude me…
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
