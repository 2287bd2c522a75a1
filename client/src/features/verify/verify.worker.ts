/**
 * Verifies one round off the page's own thread (M10): fetches from the chain API, runs the shared checks, tells each.
 * Owns: nothing but that. Does not own: the checks.
 */
import "../../no-eval.ts";
import { verifyCompact } from "@meme-rounds/shared-schema/crypto";
import { verifyRound } from "@meme-rounds/shared-schema/verify-round";
import { gatherRound } from "@meme-rounds/shared-schema/verify-round-gather";
import { createWocReader } from "@meme-rounds/shared-schema/verify-round-woc";
import { createWocGet } from "../../net/chain.ts";
import type { Job, Said } from "./job.ts";

/** Links followed back: each is a request to a public service. */
const DEPTH = 30;

const say = (said: Said): void => postMessage(said);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function work({ target, place, hints, heads, receipts }: Job): Promise<void> {
  const start = performance.now();
  const get = createWocGet(place, { fetch: fetch.bind(globalThis), sleep });
  const evidence = await gatherRound(
    { network: place.network, target, hints, depth: DEPTH },
    { chain: createWocReader(get), progress: (what) => say({ kind: "progress", what }) },
  );
  const fetched = performance.now();
  const steps = verifyRound(
    { ...evidence, ...(heads ? { heads } : {}), receipts },
    { verify: verifyCompact },
  );
  let step = steps.next();
  for (; !step.done; step = steps.next()) say({ kind: "check", check: step.value });
  const seconds = { fetch: (fetched - start) / 1000, verify: (performance.now() - fetched) / 1000 };
  say({ kind: "done", verdict: step.value, seconds });
}

addEventListener("message", (event: MessageEvent<Job>) => {
  work(event.data).catch((error: unknown) =>
    say({ kind: "failed", message: error instanceof Error ? error.message : String(error) }),
  );
});
