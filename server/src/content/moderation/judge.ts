/**
 * The verdict on an upload before anybody else sees it (C2). Owns: asking every judge, and the words in which the
 * creator reads why. Does not own: any single judge, storing the verdict, what a moderator decides later.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import sharp from "sharp";
import type { Logger } from "../../infra/logger.ts";
import { counter, histogram } from "../../infra/metrics.ts";
import { phashOf } from "../upload/picture.ts";
import type { BlockList } from "./blocks.ts";
import type { Classifier } from "./classifier.ts";
import { isUnsafe, type NsfwThresholds, type Verdict } from "./scores.ts";
import { judgeText } from "./text.ts";

/** Who had something against it. */
export type JudgeName = "blocked" | "picture" | "title";

export interface Judgement {
  verdict: Verdict;
  /** Plain words for the creator; empty when approved. */
  reasons: string[];
  judges: JudgeName[];
}

export interface Upload {
  /** What would be stored. */
  webp: Uint8Array;
  sha256: string;
  phash: string;
  title: string;
}

export type Judge = (upload: Upload) => Promise<Judgement>;

export interface JudgeDeps {
  /** Absent: no picture is approved without a moderator. */
  classifier?: Pick<Classifier, "scoresOf">;
  blocks: BlockList;
  logger: Logger;
}

const MIRROR_SIDE = 256;

interface Finding {
  by: JudgeName;
  verdict: Exclude<Verdict, "approved">;
  reason: string;
}

const REASONS = {
  exact: "This picture was taken down before. Upload another one.",
  near: "This picture looks like one that was taken down before. Upload another one, or appeal if it is not.",
  explicit: "The picture looks sexually explicit to our check. Upload another one, or appeal if it is not.",
  doubtful: "The picture may be sexually explicit, so a moderator looks at it first.",
  unseen: "Our automatic check could not look at the picture, so a moderator does.",
  slur: "The title has a slur or a threat in it. Upload the picture again with another title.",
  crude:
    "The title has a crude word in it, so a moderator looks at it first. With another title it may pass at once.",
} as const;

/** C2: the worst of all judges' verdicts. Throws CodedError UNAVAILABLE when too many pictures wait. */
export function createJudge(thresholds: NsfwThresholds, deps: JudgeDeps): Judge {
  const verdicts = counter("mr_moderation_verdicts_total", "Uploads judged, by verdict", ["verdict"]);
  const seconds = histogram(
    "mr_moderation_classifier_seconds",
    "Time a picture took the classifier, waiting included",
  );

  async function byBlocks({ webp, sha256, phash }: Upload): Promise<Finding | undefined> {
    // The hash looks at far less than this, and so the mirror image costs little.
    const mirror = sharp(webp).flop().resize(MIRROR_SIDE, MIRROR_SIDE, { fit: "inside" });
    const mirrored = await phashOf(await mirror.png({ compressionLevel: 1 }).toBuffer());
    const found = await deps.blocks.find(sha256, [phash, mirrored]);
    return found && { by: "blocked", verdict: "rejected", reason: REASONS[found] };
  }

  async function byPicture({ webp, sha256 }: Upload): Promise<Finding | undefined> {
    if (await deps.blocks.isCleared(sha256)) return undefined;
    if (deps.classifier === undefined) return { by: "picture", verdict: "review", reason: REASONS.unseen };
    const end = seconds.startTimer();
    try {
      const verdict = isUnsafe(await deps.classifier.scoresOf(webp), thresholds);
      if (verdict === "approved") return undefined;
      return { by: "picture", verdict, reason: verdict === "rejected" ? REASONS.explicit : REASONS.doubtful };
    } catch (err) {
      // The creator can come back in a moment; a moderator's minute is dearer.
      if (err instanceof CodedError) throw err;
      deps.logger.error({ err, sha256 }, "the classifier failed: a moderator looks");
      return { by: "picture", verdict: "review", reason: REASONS.unseen };
    } finally {
      end();
    }
  }

  function byTitle({ title }: Upload): Finding | undefined {
    const { verdict } = judgeText(title);
    if (verdict === "approved") return undefined;
    return { by: "title", verdict, reason: verdict === "rejected" ? REASONS.slur : REASONS.crude };
  }

  return async (upload) => {
    const blocked = await byBlocks(upload);
    const findings = [blocked, byTitle(upload), blocked ? undefined : await byPicture(upload)].filter(
      (finding) => finding !== undefined,
    );
    const verdict = findings.some((one) => one.verdict === "rejected")
      ? "rejected"
      : findings.length > 0
        ? "review"
        : "approved";
    verdicts.inc({ verdict });
    return {
      verdict,
      // What a moderator would look at does not matter where something else was refused.
      reasons: findings.filter((one) => one.verdict === verdict).map((one) => one.reason),
      judges: findings.map((one) => one.by),
    };
  };
}
