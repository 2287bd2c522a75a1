/**
 * One run of a scenario with its report: looks at the processes each second, draws, and writes the files whatever
 * happens, also when it is ended early or throws. Does not own: what the scenario does.
 */
import { writeReport } from "./report/files.ts";
import type { Report } from "./report/index.ts";
import type { Recorder } from "./report/recorder.ts";

export interface Outcome {
  ok: boolean;
  figures: object;
}

export interface RunDeps {
  /** Calls `act` every `ms`, until the answer is called. */
  every(ms: number, act: () => void): () => void;
  /** Draws what is known so far. */
  draw(recorder: Recorder): void;
  /** Puts the screen back in order. */
  endDrawing(): void;
  /** A line for people. */
  say(line: string): void;
}

const SAMPLE_MS = 1_000;

/**
 * Runs it to its end. The answer is the last line's content and whether everything held; a scenario that threw throws
 * here too, after its report is written.
 * @param folder where reports are kept
 */
export async function runWithReport(
  recorder: Recorder,
  run: (report: Report) => Promise<Outcome>,
  signal: AbortSignal,
  folder: string | undefined,
  deps: RunDeps,
): Promise<{ ok: boolean; line: object }> {
  let sampling = Promise.resolve();
  const look = (): void => {
    sampling = sampling.then(async () => {
      await recorder.sample();
      deps.draw(recorder);
    });
  };
  const stop = deps.every(SAMPLE_MS, look);
  const finish = async (ok: boolean, ended?: string): Promise<void> => {
    stop();
    await sampling;
    const document = await recorder.document({ ok, ...(ended === undefined ? {} : { ended }) });
    deps.draw(recorder);
    deps.endDrawing();
    const { html } = await writeReport(document, folder);
    deps.say(`report: ${html}`);
  };
  const early = "somebody stopped it";
  try {
    const { ok, figures } = await run(recorder);
    recorder.figures(figures);
    const held = ok && recorder.everyBoundHolds && !signal.aborted;
    await finish(held, signal.aborted ? early : undefined);
    return { ok: held, line: lineOf(recorder, held) };
  } catch (error) {
    await finish(false, signal.aborted ? early : error instanceof Error ? error.message : String(error));
    // What a scenario throws because it was told to end is no news.
    if (signal.aborted) return { ok: false, line: lineOf(recorder, false) };
    throw error;
  }
}

function lineOf({ scenario, bounds, collected }: Recorder, ok: boolean): object {
  return { scenario, ok, ...collected, ...(bounds.size > 0 ? { bounds: [...bounds.values()] } : {}) };
}
