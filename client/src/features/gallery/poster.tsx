/** A model's poster that turns while looked at. Owns: picture and motion. Does not own: where it leads. */
import { useRef } from "react";
import type { ModelVm } from "../../app/model.ts";
import { Picture } from "../../ui/picture.tsx";
import { useTurning } from "./use-turning.ts";

interface PosterProps {
  title: string;
  model: Pick<ModelVm, "poster" | "turntable">;
  /** R12: shown blurred and still. */
  blurred?: boolean;
  className?: string;
  onOpen(): void;
}

export function Poster({ title, model, blurred = false, className = "", onOpen }: PosterProps) {
  const button = useRef<HTMLButtonElement>(null);
  const { turning, start, stop } = useTurning(button);
  return (
    <button
      ref={button}
      type="button"
      onClick={onOpen}
      onPointerEnter={(event) => event.pointerType === "mouse" && start()}
      onFocus={start}
      onPointerLeave={stop}
      onBlur={stop}
      aria-label={`${title}, open in 3D`}
      data-turning={turning && !blurred}
      className={`overflow-hidden focus-visible:-outline-offset-4 ${className || "relative block"}`}
    >
      <Picture src={model.poster} alt="" blurred={blurred} className="size-full" />
      {/* Over the poster, not instead of it: until it is there, the poster is what one sees. */}
      {turning && !blurred && (
        <img src={model.turntable} alt="" className="absolute inset-0 size-full object-cover" />
      )}
    </button>
  );
}
