/** What the arena says of a picture, and asking for a second look (C2). Does not own: the verdict. */
import { type FormEvent, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import type { CheckedVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Field } from "../../ui/field.tsx";
import { useTask } from "../../ui/use-task.ts";

const verdicts: Record<CheckedVm["status"], { title: string; text: string }> = {
  approved: { title: "Good to go", text: "Nobody sees it until you enter it." },
  review: { title: "A moderator has to look", text: "It stays here until then; or choose another picture." },
  rejected: { title: "Not in this arena", text: "Choose another picture or another title." },
};

export function Verdict({ checked, onChecked }: { checked: CheckedVm; onChecked(checked: CheckedVm): void }) {
  const words = verdicts[checked.status];
  const good = checked.status === "approved";
  return (
    <div
      role="status"
      data-testid="enter-verdict"
      data-status={checked.status}
      className={`rounded-xl border-l-4 px-4 py-3 ${good ? "border-acid bg-acid/10" : "border-flare bg-flare/12"}`}
    >
      <p className="font-display text-lg font-bold">{words.title}</p>
      <p className="text-sm text-mist">{words.text}</p>
      {checked.reasons.length > 0 && (
        <ul className="mt-2 list-disc pl-5 text-sm">
          {checked.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {(checked.status === "review" || checked.appeal === "open") && (
        <Recheck checked={checked} onChecked={onChecked} />
      )}
      {checked.status === "rejected" && <Appeal checked={checked} onChecked={onChecked} />}
    </div>
  );
}

/** Asks whether a moderator has looked meanwhile; nothing is uploaded again. */
function Recheck({ checked, onChecked }: { checked: CheckedVm; onChecked(checked: CheckedVm): void }) {
  const { recheck } = useActions();
  const task = useTask(() => recheck(checked.contentId));
  const ask = async () => {
    const outcome = await task.run();
    if (outcome?.ok && "checked" in outcome && outcome.checked) onChecked(outcome.checked);
  };
  return (
    <div className="mt-3 flex flex-col gap-3">
      <ErrorNote failure={task.failed} />
      <Button size="small" look="outline" pending={task.pending} onClick={ask} data-testid="enter-recheck">
        Has a moderator looked?
      </Button>
    </div>
  );
}

const appeals = {
  open: "You asked for a second look. A moderator decides; check again later.",
  granted: "A moderator looked again and let it through.",
  refused: "A moderator looked again, and it stays out.",
} as const;

function Appeal({ checked, onChecked }: { checked: CheckedVm; onChecked(checked: CheckedVm): void }) {
  const { appeal } = useActions();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const task = useTask(() => appeal(checked.contentId, text.trim()));
  if (checked.appeal !== "none") return <p className="mt-2 text-sm">{appeals[checked.appeal]}</p>;
  if (!open)
    return (
      <Button
        size="small"
        look="outline"
        className="mt-3"
        onClick={() => setOpen(true)}
        data-testid="appeal-open"
      >
        This is a mistake
      </Button>
    );
  const send = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    const outcome = await task.run();
    if (outcome?.ok && "checked" in outcome && outcome.checked) onChecked(outcome.checked);
  };
  return (
    <div className="mt-3 flex flex-col gap-3">
      <Field
        label="Why should it be allowed?"
        value={text}
        maxLength={500}
        onChange={(event) => setText(event.target.value)}
        data-testid="appeal-text"
      />
      <ErrorNote failure={task.failed} />
      <Button
        look="solid"
        pending={task.pending}
        disabled={text.trim() === ""}
        onClick={send}
        data-testid="appeal-send"
      >
        Ask for a second look
      </Button>
    </div>
  );
}
