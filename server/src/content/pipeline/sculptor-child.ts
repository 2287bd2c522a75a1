/**
 * The process in which models are made: a picture that hangs it, fills its memory or crashes a decoder ends this
 * process and nothing else. Owns: taking one order at a time from its parent. Does not own: time limits (sculptor.ts).
 */
import { warmTransformer } from "../transform/index.ts";
import { type SculptInput, sculpt } from "./sculpt.ts";
import type { SculptorAnswer } from "./sculptor.ts";

const answer = (message: SculptorAnswer): void => void process.send?.(message);

await warmTransformer();
process.on("message", async (input: SculptInput) => {
  try {
    answer({ kind: "made", sculpted: await sculpt(input) });
  } catch (error) {
    answer({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
// Without its parent nobody waits for it.
process.on("disconnect", () => process.exit(0));
answer({ kind: "ready" });
