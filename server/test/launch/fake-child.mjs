/**
 * A child for the supervisor's tests. What it does comes in its environment:
 * JOURNAL: the file it appends "<name> up" and "<name> down" to. CHILD: its name. FAKE_PORT: a port to listen on.
 * DIE: "once:<file>" ends it with code 3 unless the file is there, "always" every time. STUBBORN: ignores SIGTERM.
 */
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const { JOURNAL = "", CHILD = "child", FAKE_PORT, DIE, STUBBORN } = process.env;
/** @param {string} what */
const note = (what) => appendFileSync(JOURNAL, `${CHILD} ${what}\n`);

const onceFile = DIE?.startsWith("once:") ? DIE.slice("once:".length) : undefined;
if (DIE === "always" || (onceFile !== undefined && !existsSync(onceFile))) {
  if (onceFile !== undefined) writeFileSync(onceFile, "");
  console.error(`${CHILD} cannot live: the reason`);
  process.exit(3);
}

process.on("SIGTERM", () => {
  note("told");
  if (STUBBORN) return;
  note("down");
  process.exit(0);
});
const server = createServer((_, response) => response.end("ok"));
server.listen(Number(FAKE_PORT), "127.0.0.1", () => note("up"));
