/**
 * What the meme becomes if it wins: the creator's choice, each shown as it will be (C3). Owns: asking for previews, one a
 * shape. Does not own: making them.
 */
import type { ModelWish } from "@meme-rounds/shared-schema/rest-content";
import { useEffect, useRef, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import type { CheckedVm, PreviewVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { CubeIcon } from "../../ui/icons.tsx";
import { useStill } from "../../ui/use-still.ts";
import { useTask } from "../../ui/use-task.ts";
import { useSheets } from "../sheets.tsx";

const SHAPES: readonly { mode: ModelWish; name: string; text: string }[] = [
  { mode: "auto", name: "Best fit", text: "What suits the picture" },
  { mode: "diorama", name: "Diorama", text: "The subject stands out on a stage" },
  { mode: "relief", name: "Relief", text: "The whole picture, embossed" },
];

export function ShapeChoice({ checked, onMode }: { checked: CheckedVm; onMode(mode: ModelWish): void }) {
  const { preview, setMode } = useActions();
  const [made, setMade] = useState<Partial<Record<ModelWish, PreviewVm>>>({});
  const { contentId } = checked;
  /** Shown at once; what the server remembers follows. */
  const [mode, choose] = useState(checked.mode);
  const task = useTask(async (wish: ModelWish) => {
    const outcome = await preview(contentId, wish);
    if (outcome.ok && outcome.preview) {
      const one = outcome.preview;
      setMade((all) => ({ ...all, [wish]: one }));
    }
    return outcome;
  });
  const choice = useTask(async (wish: ModelWish) => {
    choose(wish);
    const outcome = await setMode(contentId, wish);
    if (outcome.ok) onMode(wish);
    else choose(checked.mode);
    return outcome;
  });
  const shown = made[mode];
  const { run, pending } = task;
  const asked = useRef(new Set<ModelWish>());
  useEffect(() => {
    // One at a time: a shape chosen while another is being made has its turn after it.
    if (pending || asked.current.has(mode)) return;
    asked.current.add(mode);
    void run(mode);
  }, [mode, pending, run]);
  return (
    <fieldset className="flex flex-col gap-3" data-testid="shape" data-mode={mode}>
      <legend className="label mb-2">If it wins, it becomes 3D</legend>
      <Preview checked={checked} shown={shown} pending={pending} />
      <ErrorNote failure={task.failed ?? choice.failed} />
      {task.failed && (
        <Button size="small" onClick={() => task.run(mode)}>
          Try the preview again
        </Button>
      )}
      <div className="grid grid-cols-3 gap-2">
        {SHAPES.map(({ mode: one, name, text }) => (
          <label
            key={one}
            className={`flex cursor-pointer flex-col gap-1 rounded-xl border-2 p-3 has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-acid ${one === mode ? "border-acid bg-acid/10" : "border-line hover:border-edge"}`}
          >
            <input
              type="radio"
              name="shape"
              value={one}
              checked={one === mode}
              onChange={() => choice.run(one)}
              className="sr-only"
              data-testid={`shape-${one}`}
            />
            <span className="font-display font-bold">{name}</span>
            <span className="text-xs text-mist">{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface PreviewProps {
  checked: CheckedVm;
  shown: PreviewVm | undefined;
  pending: boolean;
}

function Preview({ checked, shown, pending }: PreviewProps) {
  const still = useStill();
  const { openViewer } = useSheets();
  const { title, memeId } = checked;
  return (
    <div className="relative grid aspect-square max-h-[46dvh] w-full place-items-center overflow-hidden rounded-2xl bg-pit">
      {shown ? (
        <>
          <img
            src={still ? shown.poster : shown.turntable}
            alt={`${title} as a ${shown.mode}`}
            data-testid="shape-preview"
            data-made={shown.mode}
            className="size-full object-contain"
          />
          <span className="absolute right-3 bottom-3">
            <Button
              size="small"
              onClick={() => openViewer({ title, model: shown, image: `/media/${memeId}` }, "enter")}
              data-testid="shape-open"
            >
              <CubeIcon /> Open in 3D
            </Button>
          </span>
        </>
      ) : (
        <p role="status" className={`px-6 text-center text-mist ${pending ? "breathe" : ""}`}>
          {pending ? "Sculpting a preview…" : "No preview yet."}
        </p>
      )}
    </div>
  );
}
