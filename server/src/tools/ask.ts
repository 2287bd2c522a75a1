/** Asking whoever sits at the terminal for a passphrase. Owns: that it is not shown, nor taken from a pipe. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** What is typed until Enter, unseen; undefined where nobody sits at a terminal. */
export async function askHidden(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return undefined;
  stderr.write(question);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({ input: stdin, output: unseen, terminal: true });
  try {
    return await line.question("");
  } finally {
    line.close();
    stderr.write("\n");
  }
}
