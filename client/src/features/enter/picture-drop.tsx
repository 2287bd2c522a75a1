/** Choosing a picture by press, by drop or with the phone's camera, and seeing it. Does not own: whether it is fit (C1). */
import { type ChangeEvent, useState } from "react";
import { PictureIcon } from "../../ui/icons.tsx";

interface PictureDropProps {
  file: File | undefined;
  preview: string | undefined;
  locked: boolean;
  onFile(file: File | undefined): void;
}

export function PictureDrop({ file, preview, locked, onFile }: PictureDropProps) {
  const [over, setOver] = useState(false);
  const taken = (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.target.files?.[0];
    if (chosen) onFile(chosen);
    // So that the same file can be chosen again after a change.
    event.target.value = "";
  };
  return (
    <div className="flex flex-col gap-2">
      <label
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          const dropped = event.dataTransfer.files[0];
          if (dropped && !locked) onFile(dropped);
        }}
        className={`relative grid h-64 place-items-center overflow-hidden rounded-2xl border-2 transition-colors has-focus-visible:outline-3 has-focus-visible:outline-offset-3 has-focus-visible:outline-acid ${
          over
            ? "border-acid bg-acid/10"
            : preview
              ? "border-line bg-pit"
              : "border-dashed border-edge bg-pit"
        } ${locked ? "" : "cursor-pointer hover:border-acid"}`}
      >
        <input
          type="file"
          accept="image/jpeg,image/png,image/webp,image/gif"
          disabled={locked}
          aria-label="Picture"
          data-testid="enter-file"
          onChange={taken}
          className="absolute size-px opacity-0"
        />
        {preview ? (
          <>
            <img src={preview} alt="" className="absolute inset-0 size-full object-contain" />
            <span className="absolute right-3 bottom-3 max-w-[80%] truncate rounded-lg bg-pit/90 px-3 py-1.5 text-sm font-semibold">
              {locked ? file?.name : "Change picture"}
            </span>
          </>
        ) : (
          <span className="flex flex-col items-center gap-2 px-6 text-center">
            <span className="text-acid">
              <PictureIcon />
            </span>
            <span className="font-display text-xl font-bold">Choose a picture</span>
            <span className="text-sm text-mist">
              or drop or paste it here. JPEG, PNG, WebP or GIF, up to 10 MB.
            </span>
          </span>
        )}
      </label>
      {!locked && (
        <label className="hidden h-12 cursor-pointer place-items-center rounded-xl bg-raised font-display font-bold hover:bg-line has-focus-visible:outline-3 has-focus-visible:outline-offset-3 has-focus-visible:outline-acid pointer-coarse:grid">
          <input
            type="file"
            accept="image/*"
            capture="environment"
            aria-label="Take a photo"
            data-testid="enter-camera"
            onChange={taken}
            className="absolute size-px opacity-0"
          />
          Take a photo
        </label>
      )}
    </div>
  );
}
