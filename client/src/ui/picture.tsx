/**
 * A meme's picture: filling its frame, or shown whole, since captions run along the edges; blurred when reported;
 * a plain plate when it cannot be loaded.
 */
import { useState } from "react";
import { PictureIcon } from "./icons.tsx";

interface PictureProps {
  src: string;
  alt: string;
  blurred?: boolean;
  /** Shows all of it, on a dimmed copy of itself. */
  whole?: boolean;
  className?: string;
}

export function Picture({ src, alt, blurred, whole, className = "" }: PictureProps) {
  const [broken, setBroken] = useState("");
  if (broken === src || src === "") {
    return (
      <div role="img" aria-label={alt} className={`grid place-items-center bg-raised text-edge ${className}`}>
        <PictureIcon />
      </div>
    );
  }
  const picture = (
    <img
      src={src}
      alt={alt}
      loading="lazy"
      decoding="async"
      onError={() => setBroken(src)}
      className={`${whole ? "absolute inset-0 size-full object-contain" : "object-cover"} ${blurred ? "scale-110 blur-2xl" : ""} ${whole ? "" : className}`}
    />
  );
  if (!whole) return picture;
  return (
    <div className={`overflow-hidden ${className}`}>
      <img
        src={src}
        alt=""
        loading="lazy"
        decoding="async"
        className="absolute inset-0 size-full scale-125 object-cover opacity-40 blur-xl"
      />
      {picture}
    </div>
  );
}
