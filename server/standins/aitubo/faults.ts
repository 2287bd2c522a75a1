/**
 * What can go wrong at the stand-in, on command. Owns: the list, what each means, the order they come in.
 * Does not own: how each is done (server.ts for answers, jobs.ts for results).
 */
import { z } from "zod";

/** One call is answered badly. The job of a `create` that is answered so is not taken, except with `lost`. */
const ANSWER_FAULTS = [
  /** HTTP status of that number, with AITubo's envelope; 429 and 503 bring a Retry-After of 2 s. */
  "400",
  "401",
  "402",
  "403",
  "404",
  "429",
  "500",
  "503",
  /** 200 whose envelope says code 500, or 402. */
  "code",
  "code402",
  /** A proxy's page: 502 and HTML. */
  "html",
  /** A proxy's page with status 200. */
  "page",
  /** JSON that ends in the middle. */
  "torn",
  /** No answer at all; the connection stays open. */
  "hang",
  /** The connection is cut before anything was done. */
  "cut",
  /** A job is taken and paid for, then the connection is cut: the caller never learns its id. */
  "lost",
] as const;

/** A job that is taken ends badly. */
const ENDINGS = [
  /** Status 3. */
  "failed",
  /** Status 2 with AITubo's own flag. */
  "nsfw",
  /** Never ends. */
  "slow",
  /** Status 2 without any picture. */
  "empty",
  /** The picture is the input, compressed again. */
  "identical",
  /** The picture is grey all over. */
  "blank",
  /** The picture is 16 pixels wide. */
  "small",
  /** The picture has another shape. */
  "stretched",
  /** The file is a JPEG's head and 32 MB behind it, without a length. */
  "huge",
  /** The file is a web page and says so. */
  "wrongType",
  /** The file is a web page and says it is a JPEG. */
  "lie",
  /** The file is a JPEG that ends in the middle. */
  "broken",
  /** The file's address redirects to `privateUrl`. */
  "redirect",
  /** The domain is the one of `privateUrl`. */
  "privateDomain",
  /** The picture's path names another host than the domain: that of `privateUrl`. */
  "foreignPath",
  /** There is a video beside the picture. */
  "video",
  /** There is only a video. */
  "videoOnly",
] as const;

export type AnswerFault = (typeof ANSWER_FAULTS)[number];
export type Ending = (typeof ENDINGS)[number];
export type FaultKind = AnswerFault | Ending;

export const faultSchema = z.strictObject({
  path: z.enum(["/api/job/create", "/api/job/get", "file"]),
  kind: z.enum([...ANSWER_FAULTS, ...ENDINGS]),
});
/** What happens to the next call of a path; `file` is the next fetch of a result. */
export type Fault = z.infer<typeof faultSchema>;

const ENDING_SET: ReadonlySet<string> = new Set(ENDINGS);
export const isEnding = (kind: FaultKind | undefined): kind is Ending =>
  kind !== undefined && ENDING_SET.has(kind);

export class Faults {
  readonly #waiting: Fault[];

  constructor(faults: readonly Fault[]) {
    this.#waiting = [...faults];
  }

  add(fault: Fault): void {
    this.#waiting.push(fault);
  }

  /** The first one for that path; it happens once. */
  take(path: string): FaultKind | undefined {
    const at = this.#waiting.findIndex((fault) => fault.path === path);
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]?.kind;
  }
}
