/**
 * REST contracts of the Content Service: uploads and their verdicts, moderation, models, the gallery.
 * Owns: schemas both sides import; OpenAPI is generated from them. Does not own: routes or handlers, other services'.
 */
import { z } from "zod";
import { hash32 } from "./records.ts";

const ms = z.number().int();

/** C3: what shape a meme becomes if it wins; `auto` takes a diorama where the subject is clear enough. */
export const modelWishSchema = z.enum(["auto", "diorama", "relief"]);
export type ModelWish = z.infer<typeof modelWishSchema>;

export const contentAnswer = z.strictObject({
  contentId: z.string(),
  memeId: hash32,
  title: z.string(),
  status: z.enum(["approved", "review", "rejected"]),
  reasons: z.array(z.string()),
  mode: modelWishSchema,
  /** C2: where the creator stands who asked for a second look. */
  appeal: z.enum(["none", "open", "granted", "refused"]),
});
export const patchContentBody = z.strictObject({ mode: modelWishSchema });
export const appealBody = z.strictObject({ text: z.string().min(1).max(500) });

/** C2, R12: what waits for a moderator. Creators stay unnamed to moderators too (R6). */
export const reviewEntrySchema = z.strictObject({
  id: z.string(),
  kind: z.enum(["content", "report", "model", "appeal"]),
  at: ms,
  /** Where a moderator sees the picture; with the access token. */
  picture: z.string(),
  memeId: hash32,
  title: z.string().optional(),
  roundId: z.string().optional(),
  /** Why it is here: the judges' reasons, or the reporter's. */
  reasons: z.array(z.string()),
  /** What the creator who appeals has to say. */
  text: z.string().optional(),
});
export const reviewQueueAnswer = z.strictObject({
  items: z.array(reviewEntrySchema),
  /** All that waits. */
  size: z.number().int(),
  next: z.number().optional(),
});
export const reviewDecisionBody = z.strictObject({
  verdict: z.enum(["approve", "reject"]),
  /** For the creator of a picture; for the public where a meme of a round is decided. */
  reason: z.string().min(1).max(300),
});

/** R12, C6: a moderator's word about a meme. The reason is public: a live round's journal carries it. */
export const moderateBody = z.strictObject({ reason: z.string().trim().min(1).max(300) });
export const moderateAnswer = z.strictObject({
  memeId: hash32,
  /** `taken` is for good; `shown`: looked at, and nothing wrong with it. */
  standing: z.enum(["taken", "hidden", "shown"]),
  /** Paths that a CDN in front has to forget. */
  purge: z.array(z.string()),
  /** Live rounds that were told. */
  rounds: z.array(z.string()),
});

/** The model a picture would become, before it has won anything; its files are kept for a day. */
export const previewBody = z.strictObject({ mode: modelWishSchema });
export const previewAnswer = z.strictObject({
  /** What was made: a diorama that was wished for is a relief where nothing can be cut out. */
  mode: z.enum(["diorama", "relief"]),
  glb: z.string(),
  poster: z.string(),
  turntable: z.string(),
});

export const modelSchema = z.strictObject({
  memeId: hash32,
  glb: z.string(),
  poster: z.string(),
  turntable: z.string(),
  /** Which transformer made it (C3). */
  provider: z.enum(["aitubo", "local"]),
});
export type Model = z.infer<typeof modelSchema>;

/** C3: how far a winner is on its way to a model. `review`: nothing passed verification, a person has to look (C5). */
export const sculptureSchema = z.enum(["waiting", "painting", "sculpting", "done", "review"]);
export type Sculpture = z.infer<typeof sculptureSchema>;

export const galleryAnswer = z.strictObject({
  items: z.array(
    z.strictObject({
      ...modelSchema.shape,
      title: z.string(),
      image: z.string(),
      roundId: z.string(),
      at: ms,
      /** R12. */
      blurred: z.boolean().optional(),
    }),
  ),
  next: z.string().optional(),
});
