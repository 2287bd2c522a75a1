/** Weight of the page before its 3D viewer: what index.html names and what the page asks for at once, gzipped. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Figure } from "./measure.ts";

const dist = fileURLToPath(new URL("../../../client/dist", import.meta.url));

const gzipped = (file: Uint8Array): number => gzipSync(file, { level: 9 }).length;

export async function benchPage(): Promise<Figure[]> {
  const html = await readFile(join(dist, "index.html"), "utf8");
  const first = new Set(
    [...html.matchAll(/(?:src|href)="\/?assets\/([^"]+\.(?:js|css))"/g)].map((match) => match[1] ?? ""),
  );
  const weigh = async (names: Iterable<string>): Promise<number> => {
    const files = await Promise.all([...names].map((name) => readFile(join(dist, "assets", name))));
    return files.reduce((sum, file) => sum + gzipped(file), 0);
  };
  // The room's client is a chunk of its own, asked for as soon as the page runs.
  const names = await readdir(join(dist, "assets"));
  const room = names.filter((name) => /^build-.*\.js$/.test(name));
  const fonts = names.filter((name) => name.endsWith(".woff2"));
  const page = (gzipped(Buffer.from(html)) + (await weigh(first)) + (await weigh(room))) / 1_000;
  const floor = { name: "the budget", value: 250 };
  return [
    { name: "page weight before the viewer, gzip, without fonts", value: page, unit: "kB", floor },
    { name: "its fonts", value: (await weigh(fonts)) / 1_000, unit: "kB" },
  ];
}
