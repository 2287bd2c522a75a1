/** A sculptor's child that does as the first letter of its picture says. Owns: misbehaving. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SculptInput } from "../../src/content/pipeline/sculpt.ts";
import type { SculptorAnswer } from "../../src/content/pipeline/sculptor.ts";
import { anyModel } from "./pipeline-kit.ts";

const answer = (message: SculptorAnswer): void => void process.send?.(message);
const held: Buffer[] = [];

process.on("message", async ({ source }: SculptInput) => {
  switch (String.fromCharCode(source[0] ?? 0)) {
    case "h":
      // Hangs without yielding, as a decoder in a loop would.
      for (;;) held.length = 0;
    case "d":
      process.kill(process.pid, "SIGSEGV");
      break;
    case "f":
      answer({ kind: "failed", message: "no picture" });
      break;
    case "g":
      for (;;) {
        held.push(Buffer.alloc(32 * 1024 ** 2, 1));
        await sleep(20);
      }
    case "b":
      held.push(Buffer.alloc(160 * 1024 ** 2, 1));
      answer({ kind: "made", sculpted: anyModel() });
      break;
    default:
      answer({ kind: "made", sculpted: { ...anyModel(), faults: [String(process.pid)] } });
  }
});
process.on("disconnect", () => process.exit(0));
answer({ kind: "ready" });
