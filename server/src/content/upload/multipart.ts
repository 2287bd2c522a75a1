/** Reading one multipart upload (C1). Owns: limits while the bytes arrive. Does not own: what is in them. */
import type { IncomingMessage } from "node:http";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { type ModelWish, modelWishSchema } from "@meme-rounds/shared-schema/rest-content";
import busboy from "busboy";

/** C1. */
export const MAX_UPLOAD_BYTES = 10 * 1024 * 1024;

export interface Upload {
  bytes: Uint8Array;
  title: string;
  /** `auto` when it was not sent. */
  mode: ModelWish;
}

/**
 * Reads `file`, `title` and `mode`; keeps at most 10 MB in memory. Throws PICTURE_TOO_LARGE, PICTURE_EMPTY,
 * TITLE_INVALID, BAD_REQUEST.
 */
export async function readUpload(req: IncomingMessage): Promise<Upload> {
  if (Number(req.headers["content-length"] ?? 0) > MAX_UPLOAD_BYTES + 64 * 1024) {
    // Read and dropped, so that the client gets the answer instead of a reset connection.
    req.resume();
    throw new CodedError("PICTURE_TOO_LARGE");
  }
  return await new Promise<Upload>((resolve, reject) => {
    let parser: busboy.Busboy;
    try {
      parser = busboy({
        headers: req.headers,
        limits: { files: 1, fileSize: MAX_UPLOAD_BYTES, fields: 4, fieldSize: 1_000, parts: 6 },
      });
    } catch (cause) {
      req.resume();
      reject(new CodedError("BAD_REQUEST", "Send multipart/form-data with `file` and `title`.", { cause }));
      return;
    }
    const chunks: Buffer[] = [];
    let rawTitle = "";
    let rawMode = "auto";
    let tooLarge = false;
    parser.on("file", (_name, file) => {
      file.on("data", (chunk: Buffer) => chunks.push(chunk));
      file.on("limit", () => {
        tooLarge = true;
        chunks.length = 0;
      });
    });
    parser.on("field", (name, value) => {
      if (name === "title") rawTitle = value;
      if (name === "mode") rawMode = value;
    });
    parser.on("error", (cause) =>
      reject(new CodedError("BAD_REQUEST", "The upload cannot be read.", { cause })),
    );
    parser.on("close", () => {
      const title = cleanTitle(rawTitle);
      const mode = modelWishSchema.safeParse(rawMode);
      if (tooLarge) reject(new CodedError("PICTURE_TOO_LARGE"));
      else if (chunks.length === 0) reject(new CodedError("PICTURE_EMPTY"));
      else if (title === undefined) reject(new CodedError("TITLE_INVALID"));
      else if (!mode.success) reject(new CodedError("BAD_REQUEST", "mode is auto, diorama or relief."));
      else resolve({ bytes: Buffer.concat(chunks), title, mode: mode.data });
    });
    req.on("aborted", () => reject(new CodedError("BAD_REQUEST", "The upload was cut off.")));
    req.pipe(parser);
  });
}

/** NFC, trimmed, without control characters; undefined unless 1 to 80 characters are left. */
function cleanTitle(raw: string): string | undefined {
  const title = raw.normalize("NFC").replaceAll(/\p{C}/gu, "").trim();
  return title.length < 1 || [...title].length > 80 ? undefined : title;
}
