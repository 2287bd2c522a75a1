/** Playing every round without a press, and the limits of it (I3). Does not own: the joining (app/auto-join.ts). */
import { type FormEvent, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import type { AutoJoinVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { Fold } from "../../ui/fold.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";

const FIELDS = [
  { name: "depositSats", label: "Put into each round", hint: undefined },
  {
    name: "perRoundSats",
    label: "At most in one round",
    hint: "Counts what you deposit by hand as well.",
  },
  {
    name: "perDaySats",
    label: "At most lost in 24 hours",
    hint: "What went in less what came back; rounds that have not paid yet count whole.",
  },
] as const;

export function AutoJoin({ settings }: { settings: AutoJoinVm }) {
  const actions = useActions();
  const [typed, setTyped] = useState<Partial<Record<keyof AutoJoinVm, string>>>({});
  const save = useTask((next: AutoJoinVm) => actions.setAutoJoin(next));
  const textOf = (name: (typeof FIELDS)[number]["name"]) => typed[name] ?? String(settings[name]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const next = {
      on: true,
      depositSats: Number(textOf("depositSats")),
      perRoundSats: Number(textOf("perRoundSats")),
      perDaySats: Number(textOf("perDaySats")),
    };
    if ((await save.run(next))?.ok) setTyped({});
  };
  const changed = Object.keys(typed).length > 0;
  return (
    <Fold
      title="Auto-join"
      aside={settings.on ? `on, ${count(settings.depositSats)} sat a round` : "off"}
      testId="auto-join"
    >
      <p className="text-sm text-mist">
        While this page is open, every round gets your deposit by itself. What you do not spend comes back
        each time, less the seat fee.
      </p>
      <form onSubmit={submit} className="flex flex-col gap-3">
        {FIELDS.map(({ name, label, hint }) => (
          <Field
            key={name}
            label={label}
            inputMode="numeric"
            value={textOf(name)}
            onChange={(event) => {
              setTyped({ ...typed, [name]: event.target.value.replaceAll(/\D/g, "") });
              save.clear();
            }}
            hint={hint}
            suffix="sat"
            data-testid={`auto-join-${name}`}
          />
        ))}
        <ErrorNote failure={save.failed} />
        <div className="flex flex-wrap gap-2">
          {(!settings.on || changed) && (
            <Button type="submit" look="solid" pending={save.pending} data-testid="auto-join-on">
              {settings.on ? "Save" : "Switch on"}
            </Button>
          )}
          {settings.on && (
            <Button
              pending={save.pending}
              onClick={() => save.run({ ...settings, on: false })}
              data-testid="auto-join-off"
            >
              Switch off
            </Button>
          )}
        </div>
      </form>
    </Fold>
  );
}
