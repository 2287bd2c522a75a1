/**
 * Keeping the key: its words, a sealed file, the key as text (I3). Owns: these panels and what each asks first.
 * Does not own: what a file holds (docs/BACKUP.md).
 */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useVault, useVaultActions } from "../../app/hooks.ts";
import type { Failure } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { saveJson } from "../../ui/save-file.ts";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { PassphraseField } from "./passphrase-field.tsx";
import { Words } from "./words.tsx";

type Panel = "words" | "file" | "key";

export function Backup() {
  const vault = useVault();
  const actions = useVaultActions();
  const toasts = useToasts();
  const [panel, setPanel] = useState<Panel>();
  const close = () => setPanel(undefined);
  // What is on the screen goes with the key.
  useEffect(() => {
    if (vault.state === "locked") setPanel(undefined);
  }, [vault.state]);
  const toggle = (which: Panel) => ({
    onClick: () => setPanel(panel === which ? undefined : which),
    "aria-expanded": panel === which,
    "data-testid": `backup-${which}`,
  });
  return (
    <section aria-label="Backup" className="flex flex-col gap-3 border-t border-line pt-5">
      <h3 className="flex flex-wrap items-center gap-3 text-xl">
        Keep your key
        <span
          data-testid="backup-state"
          data-done={vault.isBackedUp}
          className={`rounded-full px-2.5 py-0.5 text-sm font-semibold ${vault.isBackedUp ? "bg-acid text-ink" : "bg-flare/15 text-flare"}`}
        >
          {vault.isBackedUp ? "backed up" : "no backup yet"}
        </span>
      </h3>
      <p className="text-sm text-mist">
        Your coins hang on one key, and it is in this browser only.{" "}
        {vault.hasWords
          ? "With its 12 words or its file you get it back on any device."
          : "It has no 12 words, because it was made before there were any or came here without them: save its file."}
      </p>
      <div className="flex flex-wrap gap-2">
        {vault.hasWords && <Button {...toggle("words")}>12 words</Button>}
        <Button {...toggle("file")}>Backup file</Button>
        <Button {...toggle("key")}>Private key</Button>
      </div>
      {panel === "words" && (
        <Reveal key="words" fetch={actions.words}>
          {({ words }) => (
            <Words
              words={words}
              onChecked={() => {
                actions.saved("words");
                toasts.tell("Your words are right. Keep the paper safe.");
                close();
              }}
            />
          )}
        </Reveal>
      )}
      {panel === "file" && <FileForm onSaved={close} />}
      {panel === "key" && (
        <Reveal key="key" fetch={actions.wif}>
          {({ wif }) => (
            <p
              data-testid="backup-wif"
              className="rounded-xl border-2 border-flare p-4 font-medium break-all select-all"
            >
              {wif}
              <span className="mt-2 block text-sm text-mist select-none">
                Whoever has this has your coins.
              </span>
            </p>
          )}
        </Reveal>
      )}
    </section>
  );
}

interface RevealProps<T> {
  fetch(passphrase?: string): Promise<({ ok: true } & T) | Failure>;
  children(shown: T): ReactNode;
}

/** Shows a secret after one more press, and after the passphrase where there is one. */
function Reveal<T>({ fetch, children }: RevealProps<T>) {
  const { hasPassphrase } = useVault();
  const [passphrase, setPassphrase] = useState("");
  const [shown, setShown] = useState<T>();
  const task = useTask(() => fetch(hasPassphrase ? passphrase : undefined));
  if (shown !== undefined) return children(shown);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await task.run();
    if (answer?.ok) setShown(answer);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      {hasPassphrase ? (
        <PassphraseField
          which="current"
          label="Your passphrase"
          value={passphrase}
          onChange={({ target }) => setPassphrase(target.value)}
          data-testid="reveal-passphrase"
        />
      ) : (
        <p className="text-sm text-mist">Make sure that nobody is looking over your shoulder.</p>
      )}
      <ErrorNote failure={task.failed} />
      <Button type="submit" look="outline" pending={task.pending} data-testid="reveal">
        Show
      </Button>
    </form>
  );
}

function FileForm({ onSaved }: { onSaved: () => void }) {
  const { hasPassphrase } = useVault();
  const actions = useVaultActions();
  const toasts = useToasts();
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const task = useTask(() => actions.file(passphrase, hasPassphrase ? passphrase : undefined));
  const isDifferent = !hasPassphrase && again !== "" && again !== passphrase;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await task.run();
    if (!answer?.ok) return;
    saveJson(answer.backup.fileName, answer.backup.json);
    actions.saved("file");
    toasts.tell("The backup is in your downloads. It opens with its passphrase only.");
    onSaved();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p className="text-sm text-mist">
        The file also brings back deposits that were never settled. Without its passphrase it is useless, to a
        thief and to you.
      </p>
      <PassphraseField
        which={hasPassphrase ? "current" : "new"}
        label={hasPassphrase ? "Your passphrase; the file gets the same" : "Passphrase of the file"}
        value={passphrase}
        onChange={({ target }) => setPassphrase(target.value)}
        hint={hasPassphrase ? undefined : "At least 8 characters; a few words are best."}
        data-testid="file-passphrase"
      />
      {!hasPassphrase && (
        <PassphraseField
          which="new"
          label="The same again"
          value={again}
          onChange={({ target }) => setAgain(target.value)}
          hint={isDifferent ? "It is not the same yet." : undefined}
          data-testid="file-passphrase-again"
        />
      )}
      <ErrorNote failure={task.failed} />
      <Button
        type="submit"
        look="solid"
        pending={task.pending}
        disabled={passphrase.trim().length < 8 || (!hasPassphrase && again !== passphrase)}
        data-testid="file-save"
      >
        Download
      </Button>
    </form>
  );
}
