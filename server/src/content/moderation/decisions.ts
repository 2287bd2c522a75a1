/**
 * What a creator's appeal and a moderator's word do (C2, R12). Owns: their effects on content, the block list and the
 * held pictures, each safe to repeat. Does not own: the queue, taking memes down (passed in), who is a moderator.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { AuditedAction, AuditPort } from "../../infra/audit.ts";
import type { Content, ContentStore } from "../content-store.ts";
import type { MediaStore } from "../media/store.ts";
import type { BlockList } from "./blocks.ts";
import type { HeldPictures } from "./held.ts";
import type { QueuedItem, ReviewQueue } from "./review.ts";

export interface Decision {
  verdict: "approve" | "reject";
  /** For the creator, or for the round's journal. */
  reason: string;
  /** The moderator's identity. */
  by: string;
}

/** What moderation asks of the rest of the service. Each is repeated after a crash. */
export interface ModerationEffects {
  /**
   * R12, C6. `takedown`: void in its round, gone from media and gallery, on the block list. `unhide`: shown again.
   * Throws MEME_TAKEN_DOWN for what is gone.
   */
  carryOut(order: {
    kind: "takedown" | "unhide";
    memeId: string;
    by: string;
    reason: string;
  }): Promise<unknown>;
  /** C5: a model that did not pass verification is published all the same, or given up. */
  decideModel(roundId: string, memeId: string, verdict: Decision["verdict"]): Promise<void>;
}

export interface DecisionDeps {
  contents: ContentStore;
  media: Pick<MediaStore, "put">;
  held: HeldPictures;
  blocks: BlockList;
  queue: ReviewQueue;
  effects: ModerationEffects;
  /** I4: knows of a decision before anything is done. */
  audit?: AuditPort;
}

/**
 * C2: asks for a second look at a rejected upload, once. Answers the content as it is then.
 * Throws CONTENT_UNKNOWN for somebody else's, APPEAL_NOT_POSSIBLE, UNAVAILABLE when too much waits.
 */
export async function appeal(
  deps: Pick<DecisionDeps, "contents" | "held" | "queue">,
  { contentId, identity, text }: { contentId: string; identity: string; text: string },
): Promise<Content> {
  const content = await deps.contents.get(contentId);
  if (content?.identity !== identity) throw new CodedError("CONTENT_UNKNOWN");
  if (content.status !== "rejected" || content.appeal !== "none") throw new CodedError("APPEAL_NOT_POSSIBLE");
  if (!(await deps.held.extend(content.memeId)))
    throw new CodedError("APPEAL_NOT_POSSIBLE", "The picture is not kept any more: upload it again.");
  if ((await deps.queue.add({ kind: "appeal", contentId, text })) === "full")
    throw new CodedError("UNAVAILABLE", "Too many appeals wait. Try again later.");
  return (await deps.contents.update(contentId, (now) => ({ ...now, appeal: "open" }))) ?? content;
}

/**
 * C2, R12: a moderator decides one item of the queue. Throws REVIEW_ITEM_UNKNOWN when it is gone or another moderator
 * is deciding it; after any other error the item is in the queue as before.
 */
export async function decide(deps: DecisionDeps, id: string, decision: Decision): Promise<void> {
  const taken = await deps.queue.take(id);
  if (taken === undefined) throw new CodedError("REVIEW_ITEM_UNKNOWN");
  try {
    await deps.audit?.note(actionOf(taken, decision));
    await carryOut(deps, taken, decision);
  } catch (error) {
    await deps.queue.release(id);
    throw error;
  }
  await deps.queue.close(id);
}

function actionOf({ id, item }: QueuedItem, { verdict, by, reason }: Decision): AuditedAction {
  const target = "contentId" in item ? item.contentId : item.memeId;
  return { by, action: `review.${verdict}`, target, reason, details: { item: id, kind: item.kind } };
}

async function carryOut(deps: DecisionDeps, { item }: QueuedItem, decision: Decision): Promise<void> {
  const { verdict, by, reason } = decision;
  switch (item.kind) {
    case "content":
    case "appeal":
      return await decideContent(deps, item.contentId, item.kind, decision);
    case "report":
      try {
        const kind = verdict === "reject" ? "takedown" : "unhide";
        await deps.effects.carryOut({ kind, memeId: item.memeId, by, reason });
      } catch (error) {
        // Somebody took it down meanwhile: there is nothing left to decide.
        if (!(error instanceof CodedError) || error.code !== "MEME_TAKEN_DOWN") throw error;
      }
      return;
    case "model":
      return await deps.effects.decideModel(item.roundId, item.memeId, verdict);
  }
}

async function decideContent(
  deps: DecisionDeps,
  contentId: string,
  kind: "content" | "appeal",
  { verdict, reason }: Decision,
): Promise<void> {
  const content = await deps.contents.get(contentId);
  // Its record is forgotten after a week, and with it everything that could be decided.
  if (content === undefined) return;
  const { memeId: sha256, phash } = content;
  // A title's fault is not the picture's.
  const isPicture = content.judges.some((judge) => judge !== "title");
  if (verdict === "reject") {
    await deps.contents.update(contentId, (now) => ({
      ...now,
      status: "rejected",
      reasons: [reason],
      ...(kind === "appeal" ? { appeal: "refused" } : {}),
    }));
    if (isPicture) await deps.blocks.add({ sha256, phash });
    if (kind === "appeal") await deps.held.drop(sha256);
    else await deps.held.shorten(sha256);
    return;
  }
  if (isPicture) {
    await deps.blocks.remove({ sha256, phash });
    await deps.blocks.clear(sha256);
  }
  const webp = await deps.held.get(sha256);
  if (webp) await deps.media.put(webp, "image/webp");
  await deps.contents.update(contentId, (now) => ({
    ...now,
    ...(webp
      ? { status: "approved", reasons: [] }
      : { status: "rejected", reasons: ["A moderator approved it, but too late: upload it again."] }),
    ...(kind === "appeal" ? { appeal: "granted" } : {}),
  }));
}
