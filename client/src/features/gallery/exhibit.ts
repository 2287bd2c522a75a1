/** What a viewer is given to show, and the addresses of it. Pure. Does not own: how it is shown. */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import type { ModelVm } from "../../app/model.ts";

export interface Exhibit {
  title: string;
  model: Pick<ModelVm, "glb" | "poster"> & { provider?: ModelVm["provider"] };
  /** Path of the flat picture. */
  image: string;
  /** The finished round it stood in; absent before it was in one: there is nothing to share then. */
  roundId?: string;
  memeId?: string;
  /** R12: reported or hidden, and no moderator has found it harmless since. */
  blurred?: boolean;
}

/** A sculpted meme of a finished round; undefined while it has no model. */
export const exhibitOf = (
  roundId: string,
  meme: Pick<RoundDetail["memesRanked"][number], "memeId" | "title" | "image" | "model" | "blurred">,
): Exhibit | undefined =>
  meme.model && {
    roundId,
    memeId: meme.memeId,
    title: meme.title,
    image: meme.image,
    model: meme.model,
    ...(meme.blurred ? { blurred: true } : {}),
  };

/** The page of one meme of a finished round, which others can be sent to. */
export const memePathOf = (roundId: string, memeId: string): string =>
  `/m/${encodeURIComponent(roundId)}/${memeId}`;

/** "Wow, much 3D!" -> "Wow-much-3D.glb". */
export const fileNameOf = (title: string): string =>
  `${title.replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-+|-+$/g, "") || "meme"}.glb`;
