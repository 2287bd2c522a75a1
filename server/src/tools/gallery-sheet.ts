/**
 * What the local transformer makes of a folder of pictures: a table of figures and contact sheets to look at (C3, C5).
 * Owns: the command's arguments, the table, which pictures stand on which sheet. Does not own: making models, drawing.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { confusionOf, type Piece } from "./gallery/confusion.ts";
import { type Sculpted, sculptApart, type WantedMode } from "./gallery/sculpt.ts";
import { drawSheet, type SheetRow } from "./gallery/sheet.ts";
import { EXIT, ToolError } from "./tool.ts";

const HELP = `npm run gallery-sheet -- [options]

  --pictures <folder>   pictures to make models of (default: the project's test pictures)
  --only <name,name>    only pictures whose name contains one of these
  --mode <mode>         auto (default), diorama or relief
  --side <pixels>       longest side at which pictures are worked on (default: the transformer's own)
  --warm                make each model twice and count the second: what a running worker takes
  --cross               also hold every model against every picture
  --out <folder>        where sheets, models and figures.json go (default: .data/gallery-sheet)`;

const PICTURES = fileURLToPath(new URL("../../test/content/pictures", import.meta.url));
const READABLE = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif"]);
const ROWS_PER_SHEET = 6;

interface Wishes {
  pictures: string;
  only: string[];
  mode: WantedMode;
  side: number | undefined;
  warm: boolean;
  cross: boolean;
  out: string;
}

/** Undefined: only help was wanted. Throws ToolError when an option means nothing. */
function wishesOf(args: string[]): Wishes | undefined {
  const { values } = parseArgs({
    args,
    options: {
      pictures: { type: "string", default: PICTURES },
      only: { type: "string" },
      mode: { type: "string", default: "auto" },
      side: { type: "string" },
      warm: { type: "boolean", default: false },
      cross: { type: "boolean", default: false },
      out: { type: "string", default: join(".data", "gallery-sheet") },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const { mode } = values;
  if (mode !== "auto" && mode !== "diorama" && mode !== "relief")
    throw new ToolError(`--mode ${mode}: it is auto, diorama or relief.`);
  const side = values.side === undefined ? undefined : Number(values.side);
  if (side !== undefined && !(Number.isInteger(side) && side >= 64 && side <= 4096))
    throw new ToolError(`--side ${values.side}: it is a number of pixels from 64 to 4096.`);
  const only = values.only?.split(",").filter((name) => name !== "") ?? [];
  return {
    pictures: values.pictures,
    only,
    mode,
    side,
    warm: values.warm,
    cross: values.cross,
    out: resolve(values.out),
  };
}

/** Paths of the wanted pictures, by name. Throws ToolError when there is none. */
async function picturesOf({ pictures, only }: Wishes): Promise<string[]> {
  const names = await readdir(pictures).catch((error: unknown) => {
    throw new ToolError(`${pictures} cannot be listed (${String(error)}).`);
  });
  const wanted = names
    .filter((name) => READABLE.has(extname(name).toLowerCase()))
    .filter((name) => only.length === 0 || only.some((part) => name.includes(part)))
    .sort();
  if (wanted.length === 0) throw new ToolError(`There is no such picture in ${pictures}.`);
  return wanted.map((name) => join(pictures, name));
}

const COLUMNS = [
  ["picture", 24],
  ["mode", 9],
  ["s", 6],
  ["peak MB", 8],
  ["triangles", 10],
  ["kB", 6],
  ["err/warn", 8],
  ["similar", 8],
  ["relief", 7],
  ["verdict", 0],
] as const;

const lineOf = (cells: readonly string[]): string =>
  cells
    .map((cell, i) =>
      (i === 0 || i === 1 || i === cells.length - 1 ? cell.padEnd : cell.padStart).call(
        cell,
        COLUMNS[i]?.[1] ?? 0,
      ),
    )
    .join(" ");

const cellsOf = (name: string, made: Sculpted): string[] => {
  if (!made.ok) return [name, "-", "-", "-", "-", "-", "-", "-", "-", `failed: ${made.error}`];
  const { figures } = made.verification;
  const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "-";
  return [
    name,
    made.mode,
    (made.ms / 1000).toFixed(1),
    made.peakMb.toFixed(0),
    String(made.triangles),
    (made.glb.length / 1024).toFixed(0),
    `${figures.errors ?? "-"}/${figures.warnings ?? "-"}`,
    fixed(figures.similarity, 2),
    fixed(figures.relief, 2),
    made.verification.ok ? "ok" : `refused: ${made.verification.reason}`,
  ];
};

async function main(): Promise<number> {
  const wishes = wishesOf(process.argv.slice(2));
  if (wishes === undefined) {
    console.log(HELP);
    return EXIT.done;
  }
  const paths = await picturesOf(wishes);
  await mkdir(wishes.out, { recursive: true });
  console.log(lineOf(COLUMNS.map(([title]) => title)));
  const rows: SheetRow[] = [];
  const pieces: Piece[] = [];
  const figures: Record<string, unknown> = {};
  let refused = 0;
  for (const path of paths) {
    const name = basename(path, extname(path));
    const { mode, side, warm } = wishes;
    const made = await sculptApart({ path, mode, warm, ...(side === undefined ? {} : { maxSide: side }) });
    const cells = cellsOf(name, made);
    console.log(lineOf(cells));
    if (!made.ok || !made.verification.ok) refused++;
    const picture = await readFile(path);
    if (made.ok) {
      pieces.push({ name, picture, glb: made.glb });
      await writeFile(join(wishes.out, `${name}.glb`), made.glb);
      const { ms, peakMb, triangles, verification } = made;
      figures[name] = { mode: made.mode, ms, peakMb, triangles, bytes: made.glb.length, ...verification };
    } else figures[name] = { error: made.error };
    rows.push({ label: cells.join("  "), source: picture, views: made.ok ? made.views : [] });
  }
  await writeFile(join(wishes.out, "figures.json"), `${JSON.stringify(figures, undefined, 2)}\n`);
  for (let first = 0; first < rows.length; first += ROWS_PER_SHEET) {
    const file = join(wishes.out, `sheet-${String(first / ROWS_PER_SHEET + 1).padStart(2, "0")}.png`);
    await writeFile(file, await drawSheet(rows.slice(first, first + ROWS_PER_SHEET)));
    console.log(file);
  }
  if (wishes.cross) console.log((await confusionOf(pieces)).join("\n"));
  console.log(`${rows.length} pictures, ${refused} refused or failed`);
  return refused === 0 ? EXIT.done : EXIT.wrong;
}

process.exitCode = await main().catch((error: unknown) => {
  const isOurs = error instanceof ToolError || (error instanceof TypeError && "code" in error);
  console.error(isOurs ? error.message : error);
  return EXIT.wrong;
});
