/** Every meme that won and stands in 3D. Does not own: paging, the viewer. */
import { useGallery } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { linkTo } from "../../ui/use-path.ts";
import { dayOf, timeOf } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";
import { exhibitOf, memePathOf } from "./exhibit.ts";
import { Poster } from "./poster.tsx";

export function GalleryPage() {
  const { items, loadMore, loading, hasMore } = useGallery();
  const { openViewer } = useSheets();
  return (
    <section aria-labelledby="gallery-title" className="pt-8 sm:pt-12">
      <h1 id="gallery-title" className="text-5xl sm:text-7xl">
        Hall of winners
      </h1>
      <p className="mt-4 max-w-[48ch] text-lg text-mist">
        Memes that won their round, sculpted in 3D. Take one in your hands, or put it on your table.
      </p>
      {items.length === 0 && (
        <p role="status" className="mt-12 text-lg">
          {loading
            ? "Fetching the sculptures…"
            : "Nothing here yet. The first winner moves in after its round."}
        </p>
      )}
      <ul className="mt-8 grid grid-cols-2 gap-x-3 gap-y-6 sm:grid-cols-3 sm:gap-x-4 lg:grid-cols-4 xl:grid-cols-5">
        {items.map((item) => (
          <li key={`${item.roundId}-${item.memeId}`} data-testid="gallery-item" data-meme-id={item.memeId}>
            <Poster
              title={item.title}
              model={item}
              blurred={item.blurred === true}
              className="relative block aspect-square w-full rounded-2xl bg-floor"
              onOpen={() => {
                const exhibit = exhibitOf(item.roundId, { ...item, model: item });
                if (exhibit) openViewer(exhibit);
              }}
            />
            <h2 className="mt-3 line-clamp-2 text-lg leading-tight wrap-anywhere">
              <a
                {...linkTo(memePathOf(item.roundId, item.memeId))}
                data-testid="meme-link"
                className="hover:text-acid hover:underline"
              >
                {item.title}
              </a>
            </h2>
            <p className="figures mt-1 text-sm text-mist">
              {dayOf(item.at)}, {timeOf(item.at)}
            </p>
          </li>
        ))}
      </ul>
      {hasMore && (
        <div className="mt-10 flex justify-center">
          <Button look="outline" pending={loading} onClick={loadMore}>
            Show more
          </Button>
        </div>
      )}
    </section>
  );
}
