/**
 * Bounds on one's own play: deposit limit, a break, self-exclusion (I6). Owns: showing and asking for them.
 * Does not own: enforcing them; the server does, by identity.
 */
import type { PlayLimits, PlayLimitsWish } from "@meme-rounds/shared-schema/rest-me";
import { type FormEvent, useEffect, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";
import { Exclusion } from "./exclusion.tsx";

const BREAKS = [
  { hours: 1, label: "1 hour" },
  { hours: 24, label: "1 day" },
  { hours: 168, label: "7 days" },
  { hours: 720, label: "30 days" },
] as const;

const when = (at: number): string =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
const limitText = (sats: number | null): string => (sats === null ? "no limit" : `${count(sats)} sat`);

export default function LimitsPanel() {
  const actions = useActions();
  const [limits, setLimits] = useState<PlayLimits>();
  const load = useTask(() => actions.playLimits());
  const save = useTask((wish: PlayLimitsWish) => actions.setPlayLimits(wish));
  const { run } = load;
  useEffect(() => {
    void run().then((answer) => {
      if (answer?.ok) setLimits(answer.limits);
    });
  }, [run]);
  const change = async (wish: PlayLimitsWish): Promise<boolean> => {
    const answer = await save.run(wish);
    if (answer?.ok) setLimits(answer.limits);
    return answer?.ok === true;
  };
  return (
    <section aria-label="Limits" className="flex flex-col gap-6" data-testid="limits-panel">
      <ErrorNote failure={load.failed ?? save.failed} />
      {limits === undefined ? (
        load.failed ? (
          <Button pending={load.pending} onClick={() => void run()}>
            Try again
          </Button>
        ) : (
          <p className="text-sm text-mist">Loading your limits…</p>
        )
      ) : (
        <>
          <DepositLimit limits={limits} pending={save.pending} change={change} />
          <Break limits={limits} pending={save.pending} change={change} />
          <Exclusion until={limits.excludedUntil} pending={save.pending} change={change} when={when} />
        </>
      )}
    </section>
  );
}

interface PartProps {
  limits: PlayLimits;
  pending: boolean;
  change(wish: PlayLimitsWish): Promise<boolean>;
}

function DepositLimit({ limits, pending, change }: PartProps) {
  const { depositPerDaySats, depositedSats, next } = limits;
  const [typed, setTyped] = useState<string>();
  const text = typed ?? (depositPerDaySats === null ? "" : String(depositPerDaySats));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (text !== "" && (await change({ depositPerDaySats: Number(text) }))) setTyped(undefined);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <h3 className="text-lg">Deposit limit</h3>
      <p className="figures text-sm text-mist" data-testid="limit-now">
        In force: {limitText(depositPerDaySats)} in 24 hours. Deposited in the last 24 hours:{" "}
        {count(depositedSats)} sat.
      </p>
      {next && (
        <p className="figures text-sm text-acid" data-testid="limit-next">
          From {when(next.from)}: {limitText(next.depositPerDaySats)}.
        </p>
      )}
      <Field
        label="At most in 24 hours"
        inputMode="numeric"
        value={text}
        onChange={(event) => setTyped(event.target.value.replaceAll(/\D/g, "").slice(0, 15))}
        hint="Lower counts at once. Higher, or no limit, counts after 24 hours."
        suffix="sat"
        data-testid="limit-deposit"
      />
      <div className="flex flex-wrap gap-2">
        <Button
          type="submit"
          look="solid"
          pending={pending}
          disabled={text === "" || Number(text) === depositPerDaySats}
          data-testid="limit-save"
        >
          Set the limit
        </Button>
        {depositPerDaySats !== null && (
          <Button pending={pending} onClick={() => void change({ depositPerDaySats: null })}>
            Lift it
          </Button>
        )}
      </div>
    </form>
  );
}

function Break({ limits, pending, change }: PartProps) {
  const [asked, setAsked] = useState<(typeof BREAKS)[number]>();
  return (
    <div className="flex flex-col gap-3 border-t border-line pt-5">
      <h3 className="text-lg">Take a break</h3>
      <p className="text-sm text-mist" data-testid="break-now">
        {limits.coolOffUntil === undefined
          ? "No deposits, entries and boosts until it is over. Withdrawing works all the time."
          : `Your break lasts until ${when(limits.coolOffUntil)}. It can be made longer, not shorter.`}
      </p>
      {asked === undefined ? (
        <div className="flex flex-wrap gap-2">
          {BREAKS.map((one) => (
            <Button
              key={one.hours}
              size="small"
              disabled={pending}
              onClick={() => setAsked(one)}
              data-testid={`break-${one.hours}`}
            >
              {one.label}
            </Button>
          ))}
        </div>
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button
            look="primary"
            pending={pending}
            onClick={async () => {
              if (await change({ coolOffHours: asked.hours })) setAsked(undefined);
            }}
            data-testid="break-confirm"
          >
            Stop me for {asked.label}
          </Button>
          <Button onClick={() => setAsked(undefined)}>Not now</Button>
        </div>
      )}
    </div>
  );
}
