/** Bringing a key back: words, a key, a file, or one that was put aside. Does not own: reading any of them. */
import { type ChangeEvent, type FormEvent, useEffect, useState } from "react";
import { useMe, useVault, useVaultActions, useWallet } from "../../app/hooks.ts";
import type { FormerVm } from "../../app/vault-model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { Fold } from "../../ui/fold.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count, dayOf, shortId } from "../../ui/words.ts";
import { PassphraseField } from "./passphrase-field.tsx";

export function Restore() {
  return (
    <Fold title="Bring back a key" testId="restore">
      <div className="flex flex-col gap-6">
        <RestoreForm />
        <Formers />
      </div>
    </Fold>
  );
}

interface Typed {
  text: string;
  /** Set when the text is a file's. */
  fileName?: string;
}

const NOTHING: Typed = { text: "" };

function RestoreForm() {
  const actions = useVaultActions();
  const toasts = useToasts();
  const [typed, setTyped] = useState(NOTHING);
  const [passphrase, setPassphrase] = useState("");
  const restore = useTask(() => actions.restore(typed.text, passphrase || undefined));
  const isSealed = typed.fileName !== undefined && typed.text.includes('"sealed"');
  const change = (next: Typed) => {
    setTyped(next);
    setPassphrase("");
    restore.clear();
  };
  const choose = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const file = target.files?.[0];
    if (file) change({ text: await file.text(), fileName: file.name });
    target.value = ""; // The same file may be chosen again.
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await restore.run())?.ok) return;
    change(NOTHING);
    toasts.tell("Your key is back.");
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <AtStake />
      {typed.fileName === undefined ? (
        <Field
          label="Your 12 words, or a private key"
          value={typed.text}
          onChange={({ target }) => change({ text: target.value })}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-testid="restore-text"
        />
      ) : (
        <p className="flex flex-wrap items-center justify-between gap-3 rounded-xl bg-raised px-4 py-3">
          <span className="font-medium break-all">{typed.fileName}</span>
          <Button size="small" look="outline" onClick={() => change(NOTHING)}>
            Clear
          </Button>
        </p>
      )}
      <label className="self-start text-sm font-semibold text-mist underline underline-offset-4 hover:text-acid has-focus-visible:outline-3">
        {typed.fileName === undefined ? "or open a backup file" : "or open another file"}
        <input
          type="file"
          accept="application/json,.json"
          className="absolute size-px opacity-0"
          data-testid="restore-file"
          onChange={choose}
        />
      </label>
      {isSealed && (
        <PassphraseField
          which="current"
          label="Passphrase of the file"
          value={passphrase}
          onChange={({ target }) => {
            setPassphrase(target.value);
            restore.clear();
          }}
          data-testid="restore-passphrase"
        />
      )}
      <ErrorNote failure={restore.failed} />
      <Button
        type="submit"
        look="solid"
        pending={restore.pending}
        disabled={typed.text.trim() === "" || (isSealed && passphrase === "")}
        data-testid="restore-submit"
      >
        Bring it back
      </Button>
    </form>
  );
}

/** What is in this browser now, before another key takes its place. */
function AtStake() {
  const wallet = useWallet();
  const me = useMe();
  const { isBackedUp } = useVault();
  if (!wallet.exists) return null;
  const sats = wallet.balanceSats + me.inRoundSats;
  return (
    <p role="note" className="text-sm text-flare" data-testid="restore-warning">
      {sats > 0
        ? `The wallet in this browser holds ${count(sats)} sat${me.depositedSats > 0 ? ", some of it in the round" : ""}. `
        : "There is a wallet in this browser. "}
      It is put aside, sealed as it is, and you can bring it back here.
      {!isBackedUp && " It has no backup yet: make one first."}
    </p>
  );
}

function Formers() {
  const actions = useVaultActions();
  const toasts = useToasts();
  const { address } = useWallet();
  const [found, setFound] = useState<FormerVm[]>([]);
  const swap = useTask((id: string) => actions.bringBack(id));
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key here means other ones put aside
  useEffect(() => {
    let wanted = true;
    actions.formers().then(
      (next) => wanted && setFound(next),
      () => undefined, // Without a database there are none.
    );
    return () => {
      wanted = false;
    };
  }, [actions, address]);
  if (found.length === 0) return null;
  return (
    <section aria-label="Put aside" className="flex flex-col gap-2">
      <h4 className="font-display font-bold">Put aside in this browser</h4>
      <ErrorNote failure={swap.failed} />
      <ul className="flex flex-col gap-2">
        {found.map((one) => (
          <li key={one.id} className="flex items-center justify-between gap-3">
            <span className="figures">
              {shortId(one.address)}
              {one.at > 0 && <span className="ml-3 text-sm text-mist">{dayOf(one.at)}</span>}
            </span>
            <Button
              size="small"
              pending={swap.pending}
              data-testid="former"
              onClick={async () => {
                if ((await swap.run(one.id))?.ok) toasts.tell("This wallet is back; the other is put aside.");
              }}
            >
              Bring back
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
