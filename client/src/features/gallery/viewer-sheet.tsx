/** A meme's viewer over the page one is on. Does not own: the viewer, the page of the meme. */
import { Sheet } from "../../ui/sheet.tsx";
import type { Exhibit } from "./exhibit.ts";
import { Viewer } from "./viewer.tsx";

export function ViewerSheet({ exhibit, onClose }: { exhibit: Exhibit; onClose(): void }) {
  return (
    <Sheet open wide title={exhibit.title} onClose={onClose}>
      <Viewer exhibit={exhibit} />
    </Sheet>
  );
}
