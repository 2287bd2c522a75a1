/** Asks for the passphrase, or whether to play on in this tab, when something needs the key. Does not own: the key. */
import { type FormEvent, useState } from "react";
import { useVault, useVaultActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Sheet } from "../../ui/sheet.tsx";
import { useTask } from "../../ui/use-task.ts";
import { PassphraseField } from "./passphrase-field.tsx";

export default function UnlockSheet() {
  const vault = useVault();
  const actions = useVaultActions();
  const isElsewhere = vault.state === "elsewhere";
  return (
    <Sheet
      open={vault.asking}
      title={isElsewhere ? "Open in another tab" : "Unlock your wallet"}
      testId="unlock-sheet"
      onClose={actions.decline}
    >
      {isElsewhere ? <TakeOver /> : <Unlock />}
    </Sheet>
  );
}

function TakeOver() {
  const actions = useVaultActions();
  const take = useTask(() => actions.takeOver());
  return (
    <>
      <p className="text-mist">
        One tab at a time plays with your wallet. You can go on here; the other tab stops playing at once and
        keeps watching.
      </p>
      <ErrorNote failure={take.failed} />
      <Button look="primary" wide pending={take.pending} onClick={() => take.run()} data-testid="take-over">
        Play here
      </Button>
    </>
  );
}

function Unlock() {
  const actions = useVaultActions();
  const [passphrase, setPassphrase] = useState("");
  const unlock = useTask(() => actions.unlock(passphrase));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void unlock.run();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <PassphraseField
        which="current"
        label="Your passphrase"
        value={passphrase}
        onChange={({ target }) => {
          setPassphrase(target.value);
          unlock.clear();
        }}
        autoFocus
        data-testid="unlock-passphrase"
      />
      <ErrorNote failure={unlock.failed} />
      <Button
        type="submit"
        look="primary"
        wide
        pending={unlock.pending}
        disabled={passphrase === ""}
        data-testid="unlock"
      >
        Unlock
      </Button>
      <p className="text-sm text-mist">
        Forgotten? In your wallet, "Bring back a key" opens it anew with your 12 words or your backup file.
      </p>
    </form>
  );
}
