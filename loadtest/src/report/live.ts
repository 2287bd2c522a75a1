/**
 * What is shown on the terminal while a scenario runs. Owns: drawing over itself. It draws on stderr only: stdout is for
 * the last line. Nothing is drawn before the scenario tells its first phase, so one with a view of its own is left alone.
 */
import type { Recorder } from "./recorder.ts";
import { lineOf, screenOf } from "./screen.ts";

export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

export interface LiveView {
  draw(recorder: Recorder): void;
  /** A line that stays, above what is redrawn. */
  say(line: string): void;
  /** Leaves the last screen standing. */
  end(): void;
}

/** Between two plain lines where there is no terminal, ms. */
const LINE_MS = 5_000;
const COLUMNS = 100;
const ROWS = 40;

/** @param now ms */
export function createLiveView(terminal: Terminal, now: () => number): LiveView {
  let drawn = 0;
  let lastLine = Number.NEGATIVE_INFINITY;
  let lastPhase = "";
  const clear = (): string => (drawn > 0 ? `\u001b[${drawn}A\u001b[J` : "");
  return {
    draw(recorder) {
      const { current } = recorder;
      if (current === undefined) return;
      if (!terminal.isTTY) {
        if (current.text === lastPhase && now() - lastLine < LINE_MS) return;
        lastLine = now();
        lastPhase = current.text;
        terminal.write(`${lineOf(recorder, now())}\n`);
        return;
      }
      const size = { columns: terminal.columns ?? COLUMNS, rows: terminal.rows ?? ROWS };
      const lines = screenOf(recorder, now(), size);
      terminal.write(`${clear()}${lines.join("\n")}\n`);
      drawn = lines.length;
    },
    say(line) {
      terminal.write(`${clear()}${line}\n`);
      drawn = 0;
    },
    end() {
      drawn = 0;
    },
  };
}
