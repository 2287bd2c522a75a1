/** The passphrase of the wallet: set, changed, taken off; locking now or by itself (I3). Does not own: sealing. */
import { type FormEvent, useState } from "react";
import { useVault, useVaultActions, useWallet } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Fold } from "../../ui/fold.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { PassphraseField } from "./passphrase-field.tsx";

const MINUTES = [5, 15, 60] as const;

export function Lock() {
  const vault = useVault();
  const actions = useVaultActions();
  return (
    <section
      aria-label="Lock"
      className={`flex flex-col gap-4 ${vault.hasPassphrase ? "border-t border-line pt-5" : ""}`}
    >
      {vault.hasPassphrase && (
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h3 className="text-xl" data-testid="lock-state" data-state={vault.state}>
            {vault.state === "locked" ? "The wallet is locked" : "The wallet is open"}
          </h3>
          {vault.state === "locked" ? (
            <Button look="solid" size="small" onClick={() => actions.open()} data-testid="lock-open">
              Unlock
            </Button>
          ) : (
            <Button look="outline" size="small" onClick={actions.lock} data-testid="lock-now">
              Lock now
            </Button>
          )}
        </div>
      )}
      {vault.hasPassphrase && <AutoLock />}
      <Fold
        title={vault.hasPassphrase ? "Change the passphrase" : "Lock it with a passphrase"}
        testId="lock-form"
      >
        <PassphraseForm />
      </Fold>
    </section>
  );
}

function AutoLock() {
  const { autoLockMinutes } = useVault();
  const { autoJoin } = useWallet();
  const actions = useVaultActions();
  return (
    <fieldset className="flex flex-wrap items-center gap-2">
      <legend className="label mb-2">Locks by itself after</legend>
      {MINUTES.map((minutes) => (
        <button
          key={minutes}
          type="button"
          aria-pressed={minutes === autoLockMinutes}
          data-testid={`auto-lock-${minutes}`}
          onClick={() => actions.setAutoLock(minutes)}
          className={`figures h-10 rounded-lg px-3.5 font-display font-bold transition-colors ${
            minutes === autoLockMinutes ? "bg-acid text-ink" : "bg-raised text-chalk hover:bg-line"
          }`}
        >
          {minutes} min
        </button>
      ))}
      {autoJoin.on && <p className="w-full text-sm text-mist">Auto-join waits while the wallet is locked.</p>}
    </fieldset>
  );
}

function PassphraseForm() {
  const { hasPassphrase } = useVault();
  const actions = useVaultActions();
  const toasts = useToasts();
  const [before, setBefore] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const task = useTask((wanted: string | undefined) =>
    actions.setPassphrase(hasPassphrase ? before : undefined, wanted),
  );
  const run = async (wanted: string | undefined, said: string) => {
    if (!(await task.run(wanted))?.ok) return;
    setBefore("");
    setNext("");
    setAgain("");
    toasts.tell(said);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(next, "From now on the wallet opens with this passphrase.");
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p className="text-sm text-mist">
        You type it once each time the page loads, and after a pause. Nobody can reset it: if you forget it,
        only your words or your backup file bring the coins back.
      </p>
      {hasPassphrase && (
        <PassphraseField
          which="current"
          label="The present passphrase"
          value={before}
          onChange={({ target }) => {
            setBefore(target.value);
            task.clear();
          }}
          data-testid="passphrase-before"
        />
      )}
      <PassphraseField
        which="new"
        label={hasPassphrase ? "The new one" : "Passphrase"}
        value={next}
        onChange={({ target }) => setNext(target.value)}
        hint="At least 8 characters; a few words are best."
        data-testid="passphrase-next"
      />
      <PassphraseField
        which="new"
        label="The same again"
        value={again}
        onChange={({ target }) => setAgain(target.value)}
        hint={again !== "" && again !== next ? "It is not the same yet." : undefined}
        data-testid="passphrase-again"
      />
      <ErrorNote failure={task.failed} />
      <div className="flex flex-wrap gap-2">
        <Button
          type="submit"
          look="solid"
          pending={task.pending}
          disabled={next.trim().length < 8 || next !== again}
          data-testid="passphrase-set"
        >
          {hasPassphrase ? "Change it" : "Set it"}
        </Button>
        {hasPassphrase && (
          <Button
            pending={task.pending}
            disabled={before === ""}
            onClick={() => run(undefined, "The wallet opens without a passphrase now.")}
            data-testid="passphrase-remove"
          >
            Take it off
          </Button>
        )}
      </div>
    </form>
  );
}
