/** Filling this wallet from another one in this browser, where there is one that can pay (I3). Does not own: paying. */
import { useEffect, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { Chips } from "../../ui/chips.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";

const AMOUNTS = [20_000, 50_000, 200_000] as const;

export function TopUp() {
  const actions = useActions();
  const toasts = useToasts();
  const [name, setName] = useState<string>();
  const [sats, setSats] = useState<number>(AMOUNTS[1]);
  const fill = useTask((wanted: number) => actions.topUp(wanted));
  useEffect(() => {
    let wanted = true;
    actions
      .payerName()
      .then((found) => wanted && setName(found))
      // Its code did not arrive: the address and its code are there all the same.
      .catch(() => wanted && setName(undefined));
    return () => {
      wanted = false;
    };
  }, [actions]);
  if (name === undefined) return null;
  const press = async () => {
    if ((await fill.run(sats))?.ok) toasts.tell(`${count(sats)} sat are here.`);
  };
  return (
    <section aria-label={`Fill from ${name}`} className="flex flex-col gap-3" data-testid="top-up">
      <Chips label="Amounts" amounts={AMOUNTS} value={sats} testPrefix="top-up-amount" onChange={setSats} />
      <ErrorNote failure={fill.failed} />
      <Button look="outline" wide pending={fill.pending} onClick={press} data-testid="top-up-pay">
        Fill with {count(sats)} sat from {name}
      </Button>
    </section>
  );
}
