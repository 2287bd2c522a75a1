/**
 * The renderer of models (C7): <model-viewer> with orbit, the model's own loop, AR where the device has it. A chunk of
 * its own, larger than the rest of the page: loaded when somebody opens a model. Does not own: what is around it.
 */
import { ModelViewerElement } from "@google/model-viewer";
import {
  type DetailedHTMLProps,
  type HTMLAttributes,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { CubeIcon } from "../../ui/icons.tsx";

interface ViewerAttributes extends HTMLAttributes<HTMLElement> {
  src: string;
  alt: string;
  ar?: boolean;
  "ar-modes"?: string;
  "ar-scale"?: string;
  "camera-controls"?: boolean;
  "camera-orbit"?: string;
  "min-camera-orbit"?: string;
  "max-camera-orbit"?: string;
  "field-of-view"?: string;
  "interaction-prompt"?: string;
  loading?: string;
  "touch-action"?: string;
  "shadow-intensity"?: string;
  "shadow-softness"?: string;
  "tone-mapping"?: string;
  exposure?: string;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "model-viewer": DetailedHTMLProps<ViewerAttributes, ModelViewerElement>;
    }
  }
}

// A closed model leaves memory at once: by default the last five stay.
ModelViewerElement.modelCacheSize = 0;

/** Where there is no WebGL, model-viewer says that it has loaded and shows nothing. */
function canDraw(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

export interface ModelStageProps {
  glb: string;
  alt: string;
  /** Plays the model's own loop; a model without one turns slowly instead. */
  moving: boolean;
  onReady(): void;
  onFailed(): void;
}

export default function ModelStage({ glb, alt, moving, onReady, onFailed }: ModelStageProps) {
  const viewer = useRef<ModelViewerElement>(null);
  const [loaded, setLoaded] = useState(false);
  const told = useRef({ onReady, onFailed });
  told.current = { onReady, onFailed };
  // Before the browser does anything else: an effect that runs later misses what happens while the renderer starts.
  useLayoutEffect(() => {
    const element = viewer.current;
    if (!element) return;
    const ready = () => {
      setLoaded(true);
      told.current.onReady();
    };
    const failed = () => told.current.onFailed();
    if (!canDraw()) {
      failed();
      return;
    }
    element.addEventListener("load", ready);
    element.addEventListener("error", failed);
    return () => {
      element.removeEventListener("load", ready);
      element.removeEventListener("error", failed);
      // An AR session outlives the element otherwise.
      element.removeAttribute("ar");
    };
  }, []);
  useEffect(() => {
    const element = viewer.current;
    if (!element || !loaded) return;
    if (element.availableAnimations.length === 0) element.autoRotate = moving;
    else if (moving) element.play();
    else element.pause();
  }, [moving, loaded]);
  return (
    <model-viewer
      ref={viewer}
      src={glb}
      alt={alt}
      ar
      ar-modes="webxr scene-viewer quick-look"
      ar-scale="auto"
      camera-controls
      camera-orbit="-24deg 78deg auto"
      min-camera-orbit="auto 20deg auto"
      max-camera-orbit="auto 120deg auto"
      interaction-prompt="none"
      loading="eager"
      touch-action="pan-y"
      shadow-intensity="0.9"
      shadow-softness="0.8"
      tone-mapping="neutral"
      exposure="1.05"
      style={{ width: "100%", height: "100%" }}
    >
      {/* Instead of its own bar: the poster and the words below say that it loads. */}
      <span slot="progress-bar" hidden />
      {/* model-viewer shows this slot only where AR can start. */}
      <button
        slot="ar-button"
        type="button"
        data-testid="viewer-ar"
        className="absolute right-3 bottom-3 inline-flex h-12 items-center gap-2 rounded-xl bg-acid px-5 font-display font-bold text-ink hover:bg-acid-soft"
      >
        <CubeIcon />
        Put it on your table
      </button>
    </model-viewer>
  );
}
