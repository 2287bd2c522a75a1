/** The two files of a run. Owns: where they are. Does not own: what is in them (recorder.ts, html.ts). */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ReportDocument } from "./document.ts";
import { htmlOf } from "./html.ts";

const FOLDER = resolve(import.meta.dirname, "../../../loadtest-results");

/**
 * Writes report.json and report.html into `<folder>/<time>-<scenario>/`. Answers with the two paths.
 * @param folder where reports are kept; the project's own folder for them when left out
 */
export async function writeReport(
  document: ReportDocument,
  folder: string = FOLDER,
): Promise<{ json: string; html: string }> {
  const stamp = document.startedAt.slice(0, 19).replaceAll(":", "-");
  const own = join(folder, `${stamp}-${document.scenario}`);
  await mkdir(own, { recursive: true });
  const json = join(own, "report.json");
  const html = join(own, "report.html");
  await writeFile(json, `${JSON.stringify(document, undefined, 1)}\n`);
  await writeFile(html, htmlOf(document));
  return { json, html };
}
