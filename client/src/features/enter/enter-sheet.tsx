/**
 * Entering a meme: choose a picture, make it a meme, name it, have it looked at, choose its shape, pay. Owns: the order of
 * the steps. Does not own: the verdict (C2), the shape (C3) or the price (E1).
 */
import { type FormEvent, lazy, Suspense, useEffect, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import type { CheckedVm, UploadOutcome } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { Sheet } from "../../ui/sheet.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { Pay } from "./pay.tsx";
import { PictureDrop } from "./picture-drop.tsx";
import { ShapeChoice } from "./shape-choice.tsx";
import { type Draft, useDraft } from "./use-draft.ts";
import { Verdict } from "./verdict.tsx";

const Editor = lazy(() => import("./editor.tsx"));

export function EnterSheet({ open, onClose }: { open: boolean; onClose(): void }) {
  const [entered, setEntered] = useState(0);
  const done = () => {
    setEntered((times) => times + 1);
    onClose();
  };
  // Kept while closed: who goes to the wallet for sats finds the checked picture again.
  return (
    <Sheet open={open} keep title="Enter a meme" onClose={onClose}>
      <Steps key={entered} onDone={done} />
    </Sheet>
  );
}

function Steps({ onDone }: { onDone(): void }) {
  const actions = useActions();
  const toasts = useToasts();
  const draft = useDraft();
  const [title, setTitle] = useState("");
  const [checked, setChecked] = useState<CheckedVm>();
  const upload = useTask((picture: File, name: string) => actions.upload(picture, name));
  const approved = checked?.status === "approved" ? checked : undefined;
  const startOver = () => {
    setChecked(undefined);
    upload.clear();
  };
  const choose = (file: File | undefined) => {
    startOver();
    void draft.choose(file);
  };
  const check = async (event: FormEvent) => {
    event.preventDefault();
    if (!draft.upload) return;
    const outcome: UploadOutcome | undefined = await upload.run(draft.upload, title.trim());
    if (outcome?.ok && outcome.checked) setChecked(outcome.checked);
  };
  if (draft.editing && draft.source)
    return (
      <Suspense fallback={<p role="status">Fetching the editor…</p>}>
        <Editor
          source={draft.source}
          name={draft.file?.name ?? "meme"}
          edits={draft.edits}
          onEdits={draft.edit}
          onDone={(file) => {
            startOver();
            draft.finish(file);
          }}
        />
      </Suspense>
    );
  return (
    <div className="flex flex-col gap-5">
      <form onSubmit={check} className="flex flex-col gap-5">
        <PictureDrop
          file={draft.upload}
          preview={draft.preview}
          locked={approved !== undefined || upload.pending}
          onFile={choose}
        />
        <About draft={draft} locked={approved !== undefined || upload.pending} />
        <Field
          label="Title"
          value={title}
          maxLength={80}
          required
          disabled={approved !== undefined}
          onChange={(event) => setTitle(event.target.value)}
          placeholder="What is it called?"
          suffix={`${80 - title.length}`}
          autoComplete="off"
          data-testid="enter-title"
        />
        <ErrorNote failure={upload.failed} />
        {checked && <Verdict checked={checked} onChecked={setChecked} />}
        {!approved && (
          <Button
            type="submit"
            look="solid"
            size="large"
            wide
            pending={upload.pending}
            disabled={!draft.upload || title.trim() === ""}
            data-testid="enter-upload"
          >
            {checked ? "Check again" : "Check this meme"}
          </Button>
        )}
      </form>
      {approved && (
        <>
          <ShapeChoice checked={approved} onMode={(mode) => setChecked({ ...approved, mode })} />
          <Pay
            checked={approved}
            onEntered={() => {
              toasts.tell(`“${title.trim()}” is in the ring.`);
              onDone();
            }}
            onOther={() => choose(undefined)}
          />
        </>
      )}
    </div>
  );
}

/** What is to be said of the chosen file, and the way into the editor. */
function About({ draft, locked }: { draft: Draft; locked: boolean }) {
  const { trouble, note, source } = draft;
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const pasted = event.clipboardData?.files[0];
      // The sheet is kept while it is closed: what is pasted into the chat is not for it.
      const isHere = event.target instanceof Element && event.target.closest("dialog[open]") !== null;
      if (pasted && isHere && !locked) void draft.choose(pasted);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, [draft, locked]);
  if (trouble)
    return (
      <div
        role="alert"
        data-testid="enter-trouble"
        className="rounded-xl border-l-4 border-flare bg-flare/12 px-4 py-3 text-sm"
      >
        <p className="font-semibold text-flare">{trouble.sentence}</p>
        <p className="mt-1 text-chalk">{trouble.advice}</p>
      </div>
    );
  if (!source || (locked && !note)) return null;
  return (
    <div className="flex flex-wrap items-center justify-between gap-3">
      <p className="min-w-0 flex-1 text-sm text-mist">{note ?? "Crop it, or write on it, right here."}</p>
      {!locked && (
        <Button size="small" look="outline" onClick={draft.startEditing} data-testid="enter-edit">
          Crop and caption
        </Button>
      )}
    </div>
  );
}
