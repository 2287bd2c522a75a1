/** A model's poster that turns while looked at. Owns: picture and motion. Does not own: where it leads. */
import { useState } from "react";
import type { ModelVm } from "../../app/model.ts";
import { Picture } from "../../ui/picture.tsx";

interface PosterProps {
  title: string;
  model: ModelVm;
  className?: string;
  onOpen(): void;
}

export function Poster({ title, model, className = "", onOpen }: PosterProps) {
  const [turning, setTurning] = useState(false);
  const turn = () => setTurning(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  return (
    <button
      type="button"
      onClick={onOpen}
      onPointerEnter={turn}
      onFocus={turn}
      onPointerLeave={() => setTurning(false)}
      onBlur={() => setTurning(false)}
      aria-label={`${title}, open in 3D`}
      className={`block overflow-hidden focus-visible:-outline-offset-4 ${className}`}
    >
      <Picture src={turning ? model.turntable : model.poster} alt="" className="size-full" />
    </button>
  );
}
