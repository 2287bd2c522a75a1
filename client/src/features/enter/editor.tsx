/**
 * Cropping a picture and writing on it, in the page. Loaded when somebody asks for it. Owns: the controls and the live
 * picture. Does not own: drawing (draw-meme.ts), uploading.
 */
import { useEffect, useRef, useState } from "react";
import ReactCrop, { type PercentCrop } from "react-image-crop";
import "react-image-crop/dist/ReactCrop.css";
import { Button } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";
import { TurnIcon } from "../../ui/icons.tsx";
import { drawMeme, loadCaptionFont, type Source, toFile } from "./draw-meme.ts";
import { type Crop, centredCrop, type Edits, isUntouched, WHOLE } from "./edits.ts";

export interface EditorProps {
  source: Source;
  /** Of the chosen file. */
  name: string;
  edits: Edits;
  onEdits(edits: Edits): void;
  /** The drawn picture; undefined where nothing was changed. */
  onDone(file: File | undefined): void;
}

const SHAPES: readonly { label: string; aspect: number | undefined }[] = [
  { label: "Free", aspect: undefined },
  { label: "1:1", aspect: 1 },
  { label: "4:3", aspect: 4 / 3 },
  { label: "16:9", aspect: 16 / 9 },
];
const MOST_CHARACTERS = 120;

export default function Editor({ source, name, edits, onEdits, onDone }: EditorProps) {
  const [cropping, setCropping] = useState(false);
  const [aspect, setAspect] = useState<number>();
  const [saving, setSaving] = useState(false);
  const [trouble, setTrouble] = useState("");
  const change = (some: Partial<Edits>) => onEdits({ ...edits, ...some });
  const save = async () => {
    if (isUntouched(edits)) return onDone(undefined);
    setSaving(true);
    try {
      await loadCaptionFont(edits);
      const canvas = document.createElement("canvas");
      drawMeme(canvas, source, edits);
      onDone(await toFile(canvas, name));
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : "The picture could not be drawn.");
    } finally {
      setSaving(false);
    }
  };
  return (
    <div data-testid="editor" className="flex flex-col gap-4">
      {cropping ? (
        <Cropper source={source} edits={edits} aspect={aspect} onEdits={change} />
      ) : (
        <Live source={source} edits={edits} />
      )}
      <div className="flex flex-wrap gap-2">
        <Button
          size="small"
          aria-pressed={cropping}
          onClick={() => setCropping(!cropping)}
          data-testid="editor-crop"
        >
          {cropping ? "Done cropping" : "Crop"}
        </Button>
        <Button
          size="small"
          onClick={() => {
            setAspect(undefined);
            change({ turns: ((edits.turns + 1) % 4) as Edits["turns"], crop: WHOLE });
          }}
          aria-label="Turn a quarter clockwise"
        >
          <TurnIcon /> Turn
        </Button>
        {cropping &&
          SHAPES.map(({ label, aspect: shape }) => (
            <Button
              key={label}
              size="small"
              look="outline"
              aria-pressed={aspect === shape}
              className="aria-pressed:border-acid aria-pressed:text-acid"
              data-testid={`editor-shape-${label}`}
              onClick={() => {
                setAspect(shape);
                change({ crop: shape === undefined ? WHOLE : centredCrop(source, edits.turns, shape) });
              }}
            >
              {label}
            </Button>
          ))}
      </div>
      {!cropping && <Words edits={edits} onEdits={change} />}
      {trouble && (
        <p role="alert" className="text-sm text-flare">
          {trouble}
        </p>
      )}
      <Button look="solid" wide pending={saving} onClick={save} data-testid="editor-done">
        Use this picture
      </Button>
    </div>
  );
}

interface PartProps {
  source: Source;
  edits: Edits;
}

/** The picture as it will be, drawn anew with every change. */
function Live({ source, edits }: PartProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let current = true;
    const draw = () => current && canvas.current && drawMeme(canvas.current, source, edits);
    draw();
    // Again once the font is there.
    if (edits.top || edits.bottom) void loadCaptionFont(edits).then(draw);
    return () => {
      current = false;
    };
  }, [source, edits]);
  return (
    <div className="grid place-items-center overflow-hidden rounded-2xl bg-pit">
      <canvas
        ref={canvas}
        role="img"
        aria-label="Your picture as it will be"
        data-testid="editor-picture"
        className="max-h-[42dvh] max-w-full"
      />
    </div>
  );
}

interface CropperProps extends PartProps {
  /** Width over height; undefined is free. */
  aspect: number | undefined;
  onEdits(some: Partial<Edits>): void;
}

function Cropper({ source, edits, aspect, onEdits }: CropperProps) {
  const address = useTurned(source, edits.turns);
  return (
    <div className="grid place-items-center rounded-2xl bg-pit p-2">
      {address && (
        <ReactCrop
          crop={toPercent(edits.crop)}
          {...(aspect !== undefined && { aspect })}
          onChange={(_, crop) => onEdits({ crop: fromPercent(crop) })}
          minWidth={24}
          minHeight={24}
          keepSelection
          ruleOfThirds
          ariaLabels={{
            cropArea: "Use the arrow keys to move what is kept",
            nwDragHandle: "Move the upper left corner with the arrow keys",
            nDragHandle: "Move the upper edge with the arrow keys",
            neDragHandle: "Move the upper right corner with the arrow keys",
            eDragHandle: "Move the right edge with the arrow keys",
            seDragHandle: "Move the lower right corner with the arrow keys",
            sDragHandle: "Move the lower edge with the arrow keys",
            swDragHandle: "Move the lower left corner with the arrow keys",
            wDragHandle: "Move the left edge with the arrow keys",
          }}
        >
          <img src={address} alt="" className="max-h-[42dvh]" />
        </ReactCrop>
      )}
    </div>
  );
}

/** The turned picture without words, as an address for the cropper. */
function useTurned(source: Source, turns: Edits["turns"]): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const canvas = document.createElement("canvas");
    const whole: Edits = { turns, crop: WHOLE, top: "", bottom: "", capitals: true };
    drawMeme(canvas, source, whole, { withCaptions: false });
    let made: string | undefined;
    let current = true;
    canvas.toBlob((blob) => {
      if (!blob || !current) return;
      made = URL.createObjectURL(blob);
      setAddress(made);
    }, "image/jpeg");
    return () => {
      current = false;
      if (made) URL.revokeObjectURL(made);
    };
  }, [source, turns]);
  return address;
}

const toPercent = ({ left, top, width, height }: Crop): PercentCrop => ({
  unit: "%",
  x: left * 100,
  y: top * 100,
  width: width * 100,
  height: height * 100,
});

function fromPercent({ x, y, width, height }: PercentCrop): Crop {
  // Nothing selected: all of it is kept.
  if (width < 1 || height < 1) return WHOLE;
  return { left: x / 100, top: y / 100, width: width / 100, height: height / 100 };
}

function Words({ edits, onEdits }: { edits: Edits; onEdits(some: Partial<Edits>): void }) {
  return (
    <>
      {(["top", "bottom"] as const).map((at) => (
        <Field
          key={at}
          label={at === "top" ? "Words on top" : "Words below"}
          value={edits[at]}
          maxLength={MOST_CHARACTERS}
          onChange={(event) => onEdits({ [at]: event.target.value })}
          placeholder={at === "top" ? "When you" : "and then"}
          autoComplete="off"
          data-testid={`editor-${at}`}
        />
      ))}
      <label className="flex items-center gap-2 text-sm">
        <input
          type="checkbox"
          checked={edits.capitals}
          onChange={(event) => onEdits({ capitals: event.target.checked })}
          className="size-5 accent-acid"
        />
        In capitals. Words become solid letters in 3D.
      </label>
    </>
  );
}
