/**
 * One meme to look at from all sides (C7): its poster first, then the model, and the flat picture it came from. Owns: what
 * is shown when, motion, what to do when it fails. Does not own: rendering (model-stage.tsx, loaded lazily).
 */
import { type ComponentType, useCallback, useEffect, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { DownIcon, PauseIcon, PlayIcon } from "../../ui/icons.tsx";
import { Picture } from "../../ui/picture.tsx";
import { useStill } from "../../ui/use-still.ts";
import { type Exhibit, fileNameOf, memePathOf } from "./exhibit.ts";
import type { ModelStageProps } from "./model-stage.tsx";
import { ShareButton } from "./share-button.tsx";

type State = "loading" | "ready" | "failed";

interface Stage {
  state: State;
  /** Counts tries: a new one gets a new renderer. */
  attempt: number;
  View: ComponentType<ModelStageProps> | undefined;
  ready(): void;
  failed(): void;
  again(): void;
}

/** Fetches the renderer; `again` after a failure starts over. */
function useStage(wanted: boolean): Stage {
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<State>("loading");
  const [loaded, setLoaded] = useState<{ View: ComponentType<ModelStageProps> }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt fetches again
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    import("./model-stage.tsx").then(
      (chunk) => current && setLoaded({ View: chunk.default }),
      () => current && setState("failed"),
    );
    return () => {
      current = false;
    };
  }, [wanted, attempt]);
  return {
    state,
    attempt,
    View: loaded?.View,
    ready: useCallback(() => setState("ready"), []),
    failed: useCallback(() => setState("failed"), []),
    again: () => {
      setState("loading");
      setAttempt((count) => count + 1);
    },
  };
}

interface ViewerProps {
  exhibit: Exhibit;
  /** Sets the height. */
  className?: string;
}

export function Viewer({ exhibit, className = "h-[min(62dvh,40rem)]" }: ViewerProps) {
  const { model, title, image, roundId, memeId } = exhibit;
  const still = useStill();
  const [wish, setWish] = useState<boolean>();
  const [side, setSide] = useState<"model" | "meme">("model");
  const [covered, setCovered] = useState(exhibit.blurred === true);
  const stage = useStage(!covered);
  const { state } = stage;
  const moving = (wish ?? !still) && side === "model";
  const sidesOf = { model: "In 3D", meme: "The meme" } as const;
  return (
    <div data-testid="viewer" data-state={state} data-moving={moving} className="flex flex-col gap-4">
      <div
        className={`relative overflow-hidden rounded-2xl bg-[radial-gradient(ellipse_at_50%_45%,var(--color-line),var(--color-pit)_72%)] ${className}`}
      >
        {!covered && stage.View && state !== "failed" && (
          <div className={`absolute inset-0 ${side === "model" ? "" : "invisible"}`}>
            <stage.View
              key={stage.attempt}
              // The renderer remembers what failed under its address; a fragment makes it another one.
              glb={stage.attempt === 0 ? model.glb : `${model.glb}#${stage.attempt}`}
              alt={`${title}, as a 3D model`}
              moving={moving}
              onReady={stage.ready}
              onFailed={stage.failed}
            />
          </div>
        )}
        {side === "meme" ? (
          <Picture src={image} alt={title} blurred={covered} whole className="absolute inset-0" />
        ) : (
          state !== "ready" && (
            // A square, its edges fading into the stage, about where the model will stand.
            <div className="pointer-events-none absolute inset-0 grid place-items-center [container-type:size]">
              <Picture
                src={model.poster}
                alt={title}
                blurred={covered}
                className="size-[min(100cqw,100cqh)] [mask-composite:intersect] [mask-image:linear-gradient(to_right,transparent,black_8%_92%,transparent),linear-gradient(transparent,black_8%_92%,transparent)]"
              />
            </div>
          )
        )}
        {covered ? (
          <Notice text="Blurred: somebody reported this meme, or a moderator hid it.">
            <Button onClick={() => setCovered(false)}>Show it anyway</Button>
          </Notice>
        ) : (
          side === "model" &&
          state === "failed" && (
            <Notice alert text="The model could not be loaded.">
              <Button look="primary" data-testid="viewer-again" onClick={stage.again}>
                Try again
              </Button>
              <p className="w-full text-sm text-mist">
                If this browser cannot show 3D, download the file and open it elsewhere.
              </p>
            </Notice>
          )
        )}
        {!covered && (
          <fieldset
            aria-label="What to show"
            className="absolute top-3 left-3 flex rounded-xl bg-floor/90 p-1 font-display font-bold"
          >
            {(["model", "meme"] as const).map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={side === one}
                data-testid={`viewer-side-${one}`}
                onClick={() => setSide(one)}
                className={`h-9 rounded-lg px-3.5 text-sm ${side === one ? "bg-chalk text-ink" : "text-chalk hover:text-acid"}`}
              >
                {sidesOf[one]}
              </button>
            ))}
          </fieldset>
        )}
        {state === "ready" && side === "model" && (
          <button
            type="button"
            data-testid="viewer-motion"
            aria-label={moving ? "Stop the motion" : "Let it move"}
            onClick={() => setWish(!moving)}
            className="absolute bottom-3 left-3 grid size-12 place-items-center rounded-xl bg-floor/90 hover:text-acid"
          >
            {moving ? <PauseIcon /> : <PlayIcon />}
          </button>
        )}
      </div>
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <div className="min-w-0 flex-1 basis-64 text-sm text-mist">
          <p role="status">{statusOf(state, covered)}</p>
          {model.provider && (
            <p className="mt-1">
              {model.provider === "local" ? "Made by the arena's own sculptor." : "Made by AITubo."}
            </p>
          )}
        </div>
        <div className="flex flex-wrap items-center gap-3">
          <a
            href={model.glb}
            download={fileNameOf(title)}
            data-testid="download-glb"
            className="inline-flex h-9 items-center gap-2 rounded-lg bg-raised px-3.5 font-display text-sm font-bold hover:bg-line"
          >
            <DownIcon />
            Download GLB
          </a>
          {roundId !== undefined && memeId !== undefined && (
            <ShareButton path={memePathOf(roundId, memeId)} title={title} />
          )}
        </div>
      </div>
    </div>
  );
}

const statusOf = (state: State, covered: boolean): string =>
  covered || state === "failed"
    ? ""
    : state === "loading"
      ? "Unpacking the model…"
      : "Drag to turn, pinch or scroll to come closer. Keys: arrows turn, Page Up and Page Down zoom.";

function Notice({ text, alert, children }: { text: string; alert?: boolean; children: React.ReactNode }) {
  return (
    <div
      role={alert ? "alert" : undefined}
      className="absolute inset-x-0 bottom-0 flex flex-wrap items-center justify-center gap-3 bg-pit/90 p-4 text-center"
    >
      <p className="font-display text-xl font-bold">{text}</p>
      {children}
    </div>
  );
}
