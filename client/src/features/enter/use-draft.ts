/**
 * The picture a creator is working on: the chosen file, its edits, and what would be uploaded. Owns: these, and their
 * addresses in memory. Does not own: the controls, uploading.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Edits, UNTOUCHED } from "./edits.ts";
import { checkPicture } from "./picture-check.ts";

export interface Draft {
  /** As chosen. */
  file: File | undefined;
  /** What is sent: the file itself, byte for byte, or the drawn picture. */
  upload: File | undefined;
  /** Address of `upload`. */
  preview: string | undefined;
  /** Decoded; undefined where there is nothing to edit. */
  source: ImageBitmap | undefined;
  edits: Edits;
  editing: boolean;
  note: string | undefined;
  trouble: { sentence: string; advice: string } | undefined;
  choose(file: File | undefined): Promise<void>;
  startEditing(): void;
  edit(edits: Edits): void;
  /** `drawn` undefined: nothing was changed. */
  finish(drawn: File | undefined): void;
}

interface Chosen {
  file?: File;
  drawn?: File;
  /** Instead of `file` where that is larger than the arena takes (C1). */
  shrunk?: File;
  source?: ImageBitmap;
  note?: string;
  trouble?: { sentence: string; advice: string };
}

/** C1: what the server refuses, px. */
const LEAST_SIDE = 64;
const MOST_PIXELS = 40_000_000;
const TOO_SMALL = {
  sentence: "This picture is smaller than 64 pixels a side.",
  advice: "Choose a larger one.",
};
const UNREADABLE = {
  sentence: "This picture cannot be opened.",
  advice: "It may be damaged. Save it again and choose that.",
};

export function useDraft(): Draft {
  const [chosen, setChosen] = useState<Chosen>({});
  const [edits, setEdits] = useState(UNTOUCHED);
  const [editing, setEditing] = useState(false);
  /** The newest choice: an older one that is decoded later does not count. */
  const newest = useRef<File>(undefined);
  const choose = useCallback(async (file: File | undefined) => {
    newest.current = file;
    setEditing(false);
    setEdits(UNTOUCHED);
    const next = file ? await openFile(file) : {};
    if (newest.current === file) setChosen(next);
  }, []);
  const { file, drawn, shrunk, source, note, trouble } = chosen;
  const upload = trouble ? undefined : (drawn ?? shrunk ?? file);
  const preview = useAddress(upload);
  useEffect(() => () => source?.close(), [source]);
  return useMemo(
    () => ({
      file,
      upload,
      preview,
      source,
      edits,
      editing,
      note,
      trouble,
      choose,
      startEditing: () => setEditing(true),
      edit: setEdits,
      finish(made) {
        setEditing(false);
        setChosen(({ drawn: _, ...all }) => (made ? { ...all, drawn: made } : all));
      },
    }),
    [file, upload, preview, source, edits, editing, note, trouble, choose],
  );
}

async function openFile(file: File): Promise<Chosen> {
  const check = checkPicture({
    size: file.size,
    head: new Uint8Array(await file.slice(0, 64).arrayBuffer()),
  });
  if (!check.ok) return { trouble: check };
  const { drawMeme, openPicture, toFile } = await import("./draw-meme.ts");
  try {
    const source = await openPicture(file);
    const { width, height } = source;
    if (Math.min(width, height) < LEAST_SIDE) {
      source.close();
      return { trouble: TOO_SMALL };
    }
    const many = width * height > MOST_PIXELS;
    const note = check.note ?? (many ? "The picture is very large: a smaller copy is sent." : undefined);
    const chosen = { file, source, ...(note !== undefined && { note }) };
    if (!check.mustShrink && !many) return chosen;
    const canvas = document.createElement("canvas");
    drawMeme(canvas, source, UNTOUCHED);
    return { ...chosen, shrunk: await toFile(canvas, file.name) };
  } catch {
    // The browser says nothing useful; the server would refuse it, too.
    return { trouble: UNREADABLE };
  }
}

function useAddress(file: File | undefined): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!file) return setAddress(undefined);
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return address;
}
