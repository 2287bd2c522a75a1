/** Sending coins away: address and amount, then what it costs, then one press (I3). Does not own: the payment. */
import { type FormEvent, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import type { WithdrawalVm, WithdrawQuote } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { Fold } from "../../ui/fold.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";

export function Withdraw({ balanceSats }: { balanceSats: number }) {
  const actions = useActions();
  const toasts = useToasts();
  const [address, setAddress] = useState("");
  const [amount, setAmount] = useState("");
  const [asked, setAsked] = useState<{ wish: WithdrawalVm; quote: WithdrawQuote }>();
  const look = useTask(async (wish: WithdrawalVm) => {
    const answer = await actions.withdrawQuote(wish);
    if (answer.ok && answer.quote) setAsked({ wish, quote: answer.quote });
    return answer;
  });
  const pay = useTask((wish: WithdrawalVm, quote: WithdrawQuote) => actions.withdraw(wish, quote));
  const again = () => {
    setAsked(undefined);
    look.clear();
    pay.clear();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void look.run({ address, sats: amount === "max" ? "max" : Number(amount) });
  };
  const send = async () => {
    if (asked === undefined) return;
    if (!(await pay.run(asked.wish, asked.quote))?.ok) return;
    toasts.tell(`${count(asked.quote.sats)} sat are on their way.`);
    setAddress("");
    setAmount("");
    again();
  };
  return (
    <Fold title="Withdraw" testId="withdraw">
      {asked === undefined ? (
        <form onSubmit={submit} className="flex flex-col gap-3">
          <Field
            label="To this address"
            value={address}
            onChange={(event) => {
              setAddress(event.target.value);
              look.clear();
            }}
            autoComplete="off"
            spellCheck={false}
            data-testid="withdraw-address"
          />
          <div className="flex items-end gap-2">
            <Field
              className="min-w-0 flex-1"
              label="Amount"
              inputMode="numeric"
              value={amount === "max" ? "all there is" : amount}
              onChange={(event) => {
                setAmount(event.target.value.replaceAll(/\D/g, ""));
                look.clear();
              }}
              suffix="sat"
              data-testid="withdraw-amount"
            />
            <Button
              className="h-13"
              aria-pressed={amount === "max"}
              onClick={() => {
                setAmount("max");
                look.clear();
              }}
              data-testid="withdraw-max"
            >
              Max
            </Button>
          </div>
          <ErrorNote failure={look.failed} />
          <Button
            type="submit"
            look="solid"
            pending={look.pending}
            disabled={address.trim() === "" || amount === "" || balanceSats === 0}
            data-testid="withdraw-review"
          >
            See what it costs
          </Button>
          {balanceSats === 0 && <p className="text-sm text-mist">There is nothing in the wallet to send.</p>}
        </form>
      ) : (
        <>
          <dl className="figures grid grid-cols-[auto_1fr] gap-x-6 gap-y-2 rounded-xl bg-raised p-4">
            <dt className="text-mist">To</dt>
            <dd className="text-right font-medium break-all" data-testid="withdraw-to">
              {asked.wish.address.trim()}
            </dd>
            <dt className="text-mist">Arrives</dt>
            <dd className="text-right font-display font-bold" data-testid="withdraw-arrives">
              {count(asked.quote.sats)} sat
            </dd>
            <dt className="text-mist">Network fee</dt>
            <dd className="text-right" data-testid="withdraw-fee">
              {count(asked.quote.fee)} sat
            </dd>
          </dl>
          <p className="text-sm text-mist">Payments cannot be called back: check the address.</p>
          <ErrorNote failure={pay.failed} />
          <div className="flex gap-2">
            <Button look="primary" pending={pay.pending} onClick={send} data-testid="withdraw-send">
              Send it
            </Button>
            <Button onClick={again} disabled={pay.pending} data-testid="withdraw-back">
              Back
            </Button>
          </div>
        </>
      )}
    </Fold>
  );
}
