/**
 * What a moderator decides about a meme that players have seen (R12, C6). Owns: the order of the steps, each safe to repeat.
 * Does not own: bytes (media/store.ts), what stands (standings.ts), the gallery's keys, the block list, the audit log, what
 * it does to a live round (passed in).
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { AuditPort } from "../../infra/audit.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { Gallery } from "../gallery.ts";
import type { MediaStore } from "../media/store.ts";
import type { BlockList } from "../moderation/blocks.ts";
import { phashOf } from "../upload/picture.ts";
import { type Standing, Standings } from "./standings.ts";

/** hide: blurred until somebody looks at it. unhide: not blurred, reports forgiven. takedown: gone for good. */
export interface ModerationOrder {
  kind: "takedown" | "hide" | "unhide";
  memeId: string;
  /** The moderator's identity. */
  by: string;
  /** Public: it stands in the journal of a round that is live. */
  reason: string;
}

export interface TakedownDeps {
  redis: Redis;
  media: MediaStore;
  gallery: Gallery;
  blocks: Pick<BlockList, "add">;
  /** sha256 of what was made of the picture and is in no gallery. */
  previewsOf(memeId: string): Promise<string[]>;
  /** R12: what is live must hear of it, whichever process hosts it. Durable once it resolves. Returns the rounds told. */
  tellRounds(order: ModerationOrder): Promise<string[]>;
  /** M6: so that a rebuild from the chain does not bring it back. Durable once it resolves; doing it again is once. */
  publishTakedown(memeId: string, at: number): Promise<void>;
  /** I4: knows of it before anything is done. */
  audit?: AuditPort;
  logger: Logger;
  now(): number;
}

export interface Moderated {
  memeId: string;
  standing: Exclude<Standing, "reported">;
  /** Paths that are not served any more: a CDN in front has to forget them, since they were immutable. */
  purge: string[];
  /** Live rounds that were told. */
  rounds: string[];
}

export class Takedowns {
  private readonly deps: TakedownDeps;
  private readonly standings: Standings;

  constructor(deps: TakedownDeps) {
    this.deps = deps;
    this.standings = new Standings(deps.redis);
  }

  /** Carries an order out; to be repeated after any error. Throws MEME_TAKEN_DOWN to hide or unhide what is gone. */
  async carryOut(order: ModerationOrder): Promise<Moderated> {
    const { media, tellRounds, audit, logger, now } = this.deps;
    const { kind, memeId, by, reason } = order;
    if (kind !== "takedown" && (await media.isTaken(memeId))) throw new CodedError("MEME_TAKEN_DOWN");
    await audit?.note({ by, action: `meme.${kind}`, target: memeId, reason });
    const at = now();
    const note = JSON.stringify({ ...order, at });
    let files: string[] = [];
    if (kind === "takedown") files = await this.takeDown(memeId, note);
    else await this.standings.set(memeId, kind === "hide" ? "hidden" : "shown");
    // After the ban, so that nobody enters the meme in a round that was not told.
    const rounds = await tellRounds(order);
    if (kind === "takedown") {
      await this.deps.publishTakedown(memeId, at);
      await this.block(memeId);
      await media.take(memeId, note);
    }
    logger.warn({ ...order, files, rounds }, "a moderator's word about a meme was carried out");
    const standing = kind === "takedown" ? "taken" : kind === "hide" ? "hidden" : "shown";
    return { memeId, standing, purge: files.map((sha256) => `/media/${sha256}`), rounds };
  }

  private async takeDown(memeId: string, note: string): Promise<string[]> {
    const { media, gallery, previewsOf } = this.deps;
    await media.ban(memeId, note);
    // From here on no model of it is published, so the list is complete. It is lost with the entries: they go last.
    const files = [...(await gallery.filesOf(memeId)), ...(await previewsOf(memeId))];
    for (const sha256 of files) await media.take(sha256, note);
    await gallery.remove(memeId);
    return [memeId, ...files];
  }

  /** What looks like it may not be uploaded any more (C2). */
  private async block(memeId: string): Promise<void> {
    const { media, blocks, logger } = this.deps;
    try {
      const bytes = await media.bytesOfTaken(memeId);
      if (bytes) await blocks.add({ sha256: memeId, phash: await phashOf(bytes) });
    } catch (err) {
      // Bytes nobody can read now must not keep the rest from being done; these very bytes are refused all the same.
      logger.error({ err, memeId }, "what looks like a meme that was taken down is not blocked");
    }
  }
}
