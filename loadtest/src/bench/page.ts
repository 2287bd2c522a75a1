/** Weight of the page's first load: what index.html names, gzipped. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Figure } from "./measure.ts";

const dist = fileURLToPath(new URL("../../../client/dist", import.meta.url));

export async function benchPage(): Promise<Figure[]> {
  const html = await readFile(join(dist, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="\/?(assets\/[^"]+\.(?:js|css))"/g)].map(
    (match) => match[1] ?? "",
  );
  const files = await Promise.all(named.map((name) => readFile(join(dist, name))));
  const bytes = [Buffer.from(html), ...files].reduce(
    (sum, file) => sum + gzipSync(file, { level: 9 }).length,
    0,
  );
  return [
    {
      name: "page weight, first load without fonts, gzip",
      value: bytes / 1_000,
      unit: "kB",
      floor: { name: "the budget", value: 250 },
    },
  ];
}
