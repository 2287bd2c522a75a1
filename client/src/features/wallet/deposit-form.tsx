/** Putting coins into the round. Owns: the amount, and saying what it costs (E12). Does not own: the transaction. */
import { type FormEvent, useState } from "react";
import { useActions, useServerNow } from "../../app/hooks.ts";
import type { RoundVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { Chips } from "../../ui/chips.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";

const AMOUNTS = [2_000, 10_000, 50_000] as const;

export function DepositForm({ round, balanceSats }: { round: RoundVm; balanceSats: number }) {
  const actions = useActions();
  const toasts = useToasts();
  const closed = useServerNow(1_000) >= round.depositsCloseAt;
  const [text, setText] = useState("10000");
  const deposit = useTask((sats: number) => actions.deposit(sats));
  const sats = Number(text);
  const fits = Number.isInteger(sats) && sats >= round.minDeposit && sats <= round.maxDeposit;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ((await deposit.run(sats))?.ok) toasts.tell(`${count(sats)} sat are in the round.`);
  };
  const change = (next: string) => {
    setText(next);
    deposit.clear();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <h3 className="text-xl">Put sats into this round</h3>
      <Chips
        label="Deposit amounts"
        amounts={AMOUNTS}
        value={sats}
        testPrefix="deposit-amount"
        onChange={(amount) => change(String(amount))}
      />
      <Field
        label="Deposit"
        inputMode="numeric"
        value={text}
        onChange={(event) => change(event.target.value.replaceAll(/\D/g, ""))}
        data-testid="deposit-amount"
        suffix="sat"
        hint={`${count(round.minDeposit)} to ${count(round.maxDeposit)} sat. The seat fee of ${count(round.seatFee)} sat brings your coins home; what you do not spend comes back.`}
      />
      <ErrorNote failure={deposit.failed} />
      {closed && (
        <p className="text-sm text-mist">
          Deposits of this round are closed. The next round opens in seconds.
        </p>
      )}
      {!closed && fits && sats > balanceSats && (
        <p className="text-sm text-mist">Your wallet holds {count(balanceSats)} sat: fill it first.</p>
      )}
      <Button
        type="submit"
        look="primary"
        size="large"
        wide
        pending={deposit.pending}
        disabled={!fits || closed || sats > balanceSats}
        data-testid="deposit"
      >
        {fits ? `Deposit ${count(sats)} sat` : "Deposit"}
      </Button>
    </form>
  );
}
