/** A meme's picture: cropped to fill, blurred when reported, a plain plate when it cannot be loaded. */
import { useState } from "react";
import { PictureIcon } from "./icons.tsx";

interface PictureProps {
  src: string;
  alt: string;
  blurred?: boolean;
  className?: string;
}

export function Picture({ src, alt, blurred, className = "" }: PictureProps) {
  const [broken, setBroken] = useState("");
  if (broken === src || src === "") {
    return (
      <div role="img" aria-label={alt} className={`grid place-items-center bg-raised text-edge ${className}`}>
        <PictureIcon />
      </div>
    );
  }
  return (
    <img
      src={src}
      alt={alt}
      loading="lazy"
      decoding="async"
      onError={() => setBroken(src)}
      className={`object-cover ${blurred ? "scale-110 blur-2xl" : ""} ${className}`}
    />
  );
}
