/**
 * One picture becomes a model in a process of its own, so that its time and its memory are nobody else's.
 * Owns: starting that process, what it is told and what it answers. Does not own: what it does (sculptor.ts).
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ModelOptions, Verification } from "../../content/transform/index.ts";

export type WantedMode = ModelOptions["mode"];

export interface SculptOrder {
  path: string;
  mode: WantedMode;
  maxSide?: number;
  /** Make it twice and count the second time. */
  warm: boolean;
}

export type Sculpted =
  | {
      ok: true;
      mode: string;
      /** From picture to GLB. */
      ms: number;
      /** The process's largest resident set until the model, its poster and its turntable were there, MB. */
      peakMb: number;
      triangles: number;
      glb: Uint8Array;
      verification: Verification;
      /** PNG: front, 35 degrees from the left, 35 degrees from the right and a little above. */
      views: Uint8Array[];
    }
  | { ok: false; error: string };

const SCULPTOR = fileURLToPath(new URL("./sculptor.ts", import.meta.url));

/** Never throws: a process that dies answers with how it ended. */
export async function sculptApart(order: SculptOrder): Promise<Sculpted> {
  const child = fork(SCULPTOR, { serialization: "advanced" });
  const ended = once(child, "exit");
  let answer: Sculpted | undefined;
  child.on("message", (message: Sculpted) => {
    // What comes through a pipe begins anywhere in a larger buffer; a GLB's reader wants a multiple of 4.
    answer = message.ok ? { ...message, glb: new Uint8Array(message.glb) } : message;
  });
  child.send(order);
  const [code, signal] = await ended;
  return answer ?? { ok: false, error: `the process ended with ${signal ?? code}` };
}
