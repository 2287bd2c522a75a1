/** One's memes and what became of them; a sculpted one opens in the viewer. Does not own: the viewer. */
import type { ActivityRound } from "@meme-rounds/shared-schema/rest-activity";
import { Picture } from "../../ui/picture.tsx";
import { plural } from "../../ui/words.ts";
import { exhibitOf } from "../gallery/exhibit.ts";
import { Poster } from "../gallery/poster.tsx";
import { useSheets } from "../sheets.tsx";

export type OwnMeme = ActivityRound["memes"][number] & { roundId: string };

export function OwnMemes({ memes }: { memes: readonly OwnMeme[] }) {
  const { openViewer } = useSheets();
  return (
    <section aria-label="Your memes" className="flex flex-col gap-4">
      <h2 className="text-3xl">Your memes</h2>
      <ul className="grid grid-cols-2 gap-4 sm:grid-cols-3 lg:grid-cols-5">
        {memes.map((meme) => {
          const exhibit = exhibitOf(meme.roundId, meme);
          return (
            <li key={`${meme.roundId}-${meme.memeId}`} data-testid="own-meme" className="flex flex-col gap-2">
              {meme.model && exhibit ? (
                <Poster
                  title={meme.title}
                  model={meme.model}
                  onOpen={() => openViewer(exhibit)}
                  className="relative block aspect-square rounded-2xl"
                />
              ) : (
                <Picture src={meme.image} alt="" whole className="relative aspect-square rounded-2xl" />
              )}
              <p className="figures min-w-0 text-sm">
                <span className="block truncate font-medium">
                  {meme.takenDown ? "Taken down" : meme.title}
                </span>
                <span className="text-mist">
                  {meme.rank === 0 ? "not ranked" : `rank ${meme.rank}`}
                  {meme.winner ? ", won" : ""}, {plural(meme.backers, "backer")}
                </span>
              </p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
