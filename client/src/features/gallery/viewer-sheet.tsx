/**
 * One model in three dimensions, with AR where the device has it (C7). Loaded only when somebody opens one: the
 * renderer is larger than the rest of the page. Does not own: the model.
 */
import "@google/model-viewer";
import { type DetailedHTMLProps, type HTMLAttributes, useEffect, useRef, useState } from "react";
import { Picture } from "../../ui/picture.tsx";
import { Sheet } from "../../ui/sheet.tsx";
import type { Exhibit } from "../sheets.tsx";

interface ViewerElement extends HTMLAttributes<HTMLElement> {
  src: string;
  poster: string;
  alt: string;
  ar?: boolean;
  "ar-modes"?: string;
  "camera-controls"?: boolean;
  "auto-rotate"?: boolean;
  "touch-action"?: string;
  "shadow-intensity"?: string;
  exposure?: string;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "model-viewer": DetailedHTMLProps<ViewerElement, HTMLElement>;
    }
  }
}

export default function ViewerSheet({ exhibit, onClose }: { exhibit: Exhibit; onClose(): void }) {
  const { model, title } = exhibit;
  const stage = useRef<HTMLElement>(null);
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const ready = () => setState("ready");
    const failed = () => setState("failed");
    element.addEventListener("load", ready);
    element.addEventListener("error", failed);
    return () => {
      element.removeEventListener("load", ready);
      element.removeEventListener("error", failed);
    };
  }, []);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return (
    <Sheet open wide title={title} onClose={onClose}>
      <div data-testid="viewer" data-state={state} className="flex flex-col gap-4">
        <div className="relative h-[min(62dvh,40rem)] overflow-hidden rounded-2xl bg-pit">
          <model-viewer
            ref={stage}
            src={model.glb}
            poster={model.poster}
            alt={`${title}, as a 3D model`}
            ar
            ar-modes="webxr scene-viewer quick-look"
            camera-controls
            auto-rotate={!still}
            touch-action="pan-y"
            shadow-intensity="1"
            exposure="1.05"
            style={{ width: "100%", height: "100%" }}
          />
          {state === "failed" && (
            <Picture src={model.poster} alt={title} className="absolute inset-0 size-full" />
          )}
          {state === "failed" && (
            <div role="alert" className="absolute inset-x-0 bottom-0 bg-pit/90 p-4 text-center">
              <p className="font-display text-xl font-bold">The model could not be loaded.</p>
              <p className="text-mist">Close this and open it again; the file itself is below.</p>
            </div>
          )}
        </div>
        <div className="flex flex-wrap items-center justify-between gap-3 text-sm text-mist">
          <p>
            {state === "loading" ? "Unpacking the model. " : ""}
            {model.provider === "local" ? "Made by the arena's own sculptor." : "Made by AITubo."}
          </p>
          <a
            href={model.glb}
            download={`${title.replaceAll(/[^\p{L}\p{N}]+/gu, "-") || "meme"}.glb`}
            className="font-semibold text-chalk underline underline-offset-4 hover:text-acid"
          >
            Download GLB
          </a>
        </div>
      </div>
    </Sheet>
  );
}
