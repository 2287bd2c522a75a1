/**
 * Entering a meme: choose a picture, name it, have it looked at, pay. Owns: the order of the steps.
 * Does not own: the verdict (C2) or the price (E1).
 */
import { type FormEvent, useEffect, useState } from "react";
import { useActions, useMe, useRound } from "../../app/hooks.ts";
import type { UploadOutcome } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { Sheet } from "../../ui/sheet.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";
import { PictureDrop } from "./picture-drop.tsx";

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

interface Checked {
  contentId: string;
  memeId: string;
  status: string;
  reasons: string[];
}

const checkedOf = (outcome: UploadOutcome): Checked | undefined =>
  outcome.ok && outcome.contentId && outcome.memeId
    ? {
        contentId: outcome.contentId,
        memeId: outcome.memeId,
        status: outcome.status ?? "approved",
        reasons: outcome.reasons ?? [],
      }
    : undefined;

function Steps({ onDone }: { onDone(): void }) {
  const actions = useActions();
  const toasts = useToasts();
  const [file, setFile] = useState<File>();
  const [title, setTitle] = useState("");
  const [checked, setChecked] = useState<Checked>();
  const preview = usePreview(file);
  const upload = useTask((picture: File, name: string) => actions.upload(picture, name));
  const choose = (next: File | undefined) => {
    setFile(next);
    setChecked(undefined);
    upload.clear();
  };
  const check = async (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    const outcome: UploadOutcome | undefined = await upload.run(file, title.trim());
    if (outcome) setChecked(checkedOf(outcome));
  };
  const approved = checked?.status === "approved" ? checked : undefined;
  return (
    <div className="flex flex-col gap-5">
      <form onSubmit={check} className="flex flex-col gap-5">
        <PictureDrop
          file={file}
          preview={preview}
          locked={approved !== undefined || upload.pending}
          onFile={choose}
        />
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
        {checked && <Verdict checked={checked} />}
        {!approved && (
          <Button
            type="submit"
            look="solid"
            size="large"
            wide
            pending={upload.pending}
            disabled={!file || title.trim() === ""}
            data-testid="enter-upload"
          >
            {checked ? "Check again" : "Check this meme"}
          </Button>
        )}
      </form>
      {approved && (
        <Pay
          checked={approved}
          onEntered={() => {
            toasts.tell(`“${title.trim()}” is in the ring.`);
            onDone();
          }}
          onOther={() => choose(undefined)}
        />
      )}
    </div>
  );
}

function usePreview(file: File | undefined): string | undefined {
  const [preview, setPreview] = useState<string>();
  useEffect(() => {
    if (!file) return setPreview(undefined);
    const url = URL.createObjectURL(file);
    setPreview(url);
    return () => URL.revokeObjectURL(url);
  }, [file]);
  return preview;
}

const verdicts: Record<string, { title: string; text: string }> = {
  approved: { title: "Good to go", text: "Nobody sees it until you enter it." },
  review: { title: "A moderator has to look", text: "Check again in a minute, or choose another picture." },
  rejected: { title: "Not in this arena", text: "Choose another picture or another title." },
};

function Verdict({ checked }: { checked: Checked }) {
  const words = verdicts[checked.status] ?? verdicts.review;
  const good = checked.status === "approved";
  return (
    <div
      role="status"
      data-testid="enter-verdict"
      data-status={checked.status}
      className={`rounded-xl border-l-4 px-4 py-3 ${good ? "border-acid bg-acid/10" : "border-flare bg-flare/12"}`}
    >
      <p className="font-display text-lg font-bold">{words?.title}</p>
      <p className="text-sm text-mist">{words?.text}</p>
      {checked.reasons.length > 0 && (
        <ul className="mt-2 list-disc pl-5 text-sm">
          {checked.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface PayProps {
  checked: Checked;
  onEntered(): void;
  onOther(): void;
}

function Pay({ checked, onEntered, onOther }: PayProps) {
  const round = useRound();
  const me = useMe();
  const actions = useActions();
  const { openWallet } = useSheets();
  const enter = useTask(() => actions.enter(checked.contentId, checked.memeId));
  if (!round) return null;
  const closed = round.phase !== "open";
  const missing = round.entryPrice - me.inRoundSats;
  const submit = async () => {
    if ((await enter.run())?.ok) onEntered();
  };
  return (
    <div className="flex flex-col gap-4">
      <dl className="figures flex justify-between gap-4 border-t border-line pt-4">
        <div>
          <dt className="label">Entry price</dt>
          <dd className="display mt-1 text-3xl">{count(round.entryPrice)} sat</dd>
        </div>
        <div className="text-right">
          <dt className="label">You have in this round</dt>
          <dd className="display mt-1 text-3xl">{count(me.inRoundSats)} sat</dd>
        </div>
      </dl>
      <ErrorNote failure={enter.failed} />
      {closed && (
        <p className="text-sm text-mist">
          Entries of this round are closed. The picture stays approved: enter it when the next round opens.
        </p>
      )}
      {missing > 0 && !closed && (
        <p className="text-sm text-mist">
          You are {count(missing)} sat short. Put sats into this round first; the picture stays approved.
        </p>
      )}
      <Button
        look="primary"
        size="large"
        wide
        pending={enter.pending}
        disabled={closed}
        onClick={
          missing > 0 ? () => openWallet(`Entering costs ${count(round.entryPrice)} sat.`, "enter") : submit
        }
        data-testid={missing > 0 ? "enter-fund" : "enter-submit"}
      >
        {missing > 0 ? "Add sats to the round" : `Enter for ${count(round.entryPrice)} sat`}
      </Button>
      <Button onClick={onOther} wide>
        Choose another picture
      </Button>
    </div>
  );
}
