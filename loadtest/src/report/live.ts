/**
 * What is shown on the terminal while a scenario runs. Owns: layout, and drawing over itself. It draws on stderr only:
 * stdout is for the last line. Nothing is drawn before the scenario tells its first phase.
 */
import type { Recorder } from "./recorder.ts";

export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

export interface LiveView {
  draw(recorder: Recorder): void;
  end(): void;
}

/** Seconds between plain lines where there is no terminal. */
const LINE_S = 5;

export function createLiveView(terminal: Terminal, now: () => number): LiveView {
  let drawn = 0;
  let lastLine = 0;
  return {
    draw(recorder) {
      if (recorder.current === undefined) return;
      if (!terminal.isTTY) {
        if (now() - lastLine < LINE_S * 1_000) return;
        lastLine = now();
        terminal.write(`${recorder.current.text}\n`);
        return;
      }
      terminal.write(drawn > 0 ? `\u001b[${drawn}A\u001b[J` : "");
      terminal.write(`${recorder.current.text}\n`);
      drawn = 1;
    },
    end() {
      drawn = 0;
    },
  };
}
