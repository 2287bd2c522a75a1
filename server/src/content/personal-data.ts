/**
 * What the Content Service keeps about a person (I6): uploads, their verdicts and appeals. Owns: what is told and what
 * is forgotten. Does not own: the stores; pictures' bytes, which leave by their own time (a day, in review seven).
 */
import type { Person, PersonalData } from "../infra/personal-data.ts";
import type { ContentStore } from "./content-store.ts";
import type { ReviewQueue } from "./moderation/review.ts";

export interface UploadsDataDeps {
  contents: Pick<ContentStore, "uploadsOf" | "isEntered" | "anonymise" | "drop">;
  queue: Pick<ReviewQueue, "get" | "withdraw">;
}

/** Records live for seven days; after that there is nothing to tell. */
export function uploadsData({ contents, queue }: UploadsDataDeps): PersonalData {
  return {
    name: "uploads",
    async exportOf({ identity }: Person) {
      const uploads = await contents.uploadsOf(identity);
      return await Promise.all(
        uploads.map(async ({ identity: _, ...upload }) => {
          const open = await queue.get(`appeal.${upload.contentId}`);
          const text = open?.item.kind === "appeal" ? open.item.text : undefined;
          return text === undefined ? upload : { ...upload, appealText: text };
        }),
      );
    },
    async forget({ identity }) {
      for (const upload of await contents.uploadsOf(identity)) {
        await queue.withdraw(upload.contentId);
        // A round that is being paid reads the record; that its creator is public is the chain's doing.
        if (await contents.isEntered(upload)) await contents.anonymise(upload);
        else await contents.drop(upload);
      }
    },
  };
}
