/** How far a round's winners are on their way to 3D, in words (C3). Pure. */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { plural } from "../../ui/words.ts";

type Winner = Pick<RoundDetail["memesRanked"][number], "model" | "sculpture" | "takenDown">;

/** `busy`: more will come by itself. A taken-down winner is not spoken of. */
export function sculptingOf(winners: readonly Winner[]): { text: string; busy: boolean } {
  const counted = winners.filter(({ takenDown }) => takenDown !== true);
  const ready = counted.filter(({ model }) => model !== undefined).length;
  const held = counted.filter(({ model, sculpture }) => !model && sculpture === "review").length;
  const missing = counted.length - ready - held;
  const parts = [
    ...(missing > 0 ? [`${missing} of ${counted.length} being sculpted`] : []),
    ...(missing === 0 && ready > 0 ? [`${plural(ready, "winner")} sculpted in 3D`] : []),
    ...(held > 0 ? [`${held} being looked at by a moderator`] : []),
  ];
  return { text: parts.join(", "), busy: missing > 0 };
}
