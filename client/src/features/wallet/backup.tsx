/** Keeping the key: a file to save, the key as text, and bringing one back. Does not own: what the file holds (M9). */
import { type FormEvent, useState } from "react";
import { useActions, useWallet } from "../../app/hooks.ts";
import type { Backup as BackupFile, Outcome } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { PlusIcon } from "../../ui/icons.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";

function save({ fileName, json }: BackupFile): void {
  const url = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function Backup() {
  const actions = useActions();
  const [wif, setWif] = useState<string>();
  const fetchBackup = useTask(async (then: (backup: BackupFile) => void): Promise<Outcome> => {
    then(await actions.backup());
    return { ok: true };
  });
  return (
    <section aria-label="Backup" className="flex flex-col gap-3">
      <h3 className="text-xl">Keep your key</h3>
      <p className="text-sm text-mist">
        It lives in this browser only. The file brings back your coins, even if everything of ours burns down.
      </p>
      <ErrorNote failure={fetchBackup.failed} />
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => fetchBackup.run(save)} pending={fetchBackup.pending} data-testid="backup-file">
          Download backup
        </Button>
        <Button
          onClick={() => (wif ? setWif(undefined) : fetchBackup.run((backup) => setWif(backup.wif)))}
          aria-expanded={wif !== undefined}
          data-testid="backup-show"
        >
          {wif ? "Hide key" : "Show key"}
        </Button>
      </div>
      {wif && (
        <p
          data-testid="backup-wif"
          className="rounded-xl border-2 border-flare p-4 font-medium break-all select-all"
        >
          {wif}
          <span className="mt-2 block text-sm text-mist select-none">Whoever has this has your coins.</span>
        </p>
      )}
    </section>
  );
}

export function Restore() {
  const actions = useActions();
  const wallet = useWallet();
  const toasts = useToasts();
  const [text, setText] = useState("");
  const restore = useTask((typed: string): Promise<Outcome> => actions.restore(typed));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ((await restore.run(text))?.ok) {
      setText("");
      toasts.tell("Your key is back.");
    }
  };
  return (
    <details className="border-t border-line pt-4">
      <summary className="flex list-none items-center justify-between font-display text-lg font-bold hover:text-acid">
        Bring back a key
        <PlusIcon />
      </summary>
      <form onSubmit={submit} className="mt-4 flex flex-col gap-3">
        {wallet.exists && (
          <p className="text-sm text-flare">
            This replaces the key in this browser. Download its backup first.
          </p>
        )}
        <Field
          label="Key (WIF)"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            restore.clear();
          }}
          autoComplete="off"
          spellCheck={false}
          data-testid="restore-wif"
        />
        <label className="text-sm font-semibold text-mist underline underline-offset-4 hover:text-acid has-focus-visible:outline-3">
          or open a backup file
          <input
            type="file"
            accept="application/json,.json"
            className="absolute size-px opacity-0"
            data-testid="restore-file"
            onChange={async (event) => setText((await event.target.files?.[0]?.text()) ?? "")}
          />
        </label>
        <ErrorNote failure={restore.failed} />
        <Button
          type="submit"
          look="solid"
          pending={restore.pending}
          disabled={text.trim() === ""}
          data-testid="restore-submit"
        >
          Restore
        </Button>
      </form>
    </details>
  );
}
