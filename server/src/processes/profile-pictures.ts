/**
 * Which pictures may stand beside a name (C2, C6). Owns: asking the services that know. Does not own: profiles, uploads,
 * what moderators decided.
 */
import type { AnalyticsService } from "../analytics/index.ts";
import type { ProfilePictures } from "../auth/index.ts";
import type { ContentService } from "../content/index.ts";

export interface ProfilePicturesDeps {
  /** Functions, since both services are made after the Auth Service. */
  content(): Pick<ContentService, "hasUploaded" | "keepPicture" | "standingOf">;
  analytics(): Pick<AnalyticsService, "hasEntered">;
}

export function profilePictures({ content, analytics }: ProfilePicturesDeps): ProfilePictures {
  /** Not while somebody has something against it. */
  const isShown = async (memeId: string): Promise<boolean> => {
    const standing = (await content().standingOf([memeId])).get(memeId);
    return standing === undefined || standing === "shown";
  };
  return {
    isShown,
    async claim(identity, memeId) {
      const isOwn =
        (await content().hasUploaded(identity, memeId)) || (await analytics().hasEntered(identity, memeId));
      return isOwn && (await isShown(memeId)) && (await content().keepPicture(memeId));
    },
  };
}
