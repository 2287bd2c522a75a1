/**
 * The built page beside a made-up archive with real models, for looking at the gallery, the viewer and the pages of memes.
 * Owns: one HTTP server with the page and the calls it makes. Owns no assertion.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import express from "express";
import sharp from "sharp";
import { drawCard } from "../../src/content/share/card.ts";
import { shareRouter } from "../../src/content/share/routes.ts";
import { memeToModel } from "../../src/content/transform/index.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { pageHeaders } from "../../src/infra/security-headers.ts";

const PAGE_DIR = fileURLToPath(new URL("../../../client/dist", import.meta.url));
const THREE_DIR = join(PAGE_DIR, "../../node_modules", "three");
const ROUND = "main-1795374000";

type Meme = RoundDetail["memesRanked"][number];

export interface GallerySite {
  url: string;
  round: RoundDetail;
  /** Files that answer 503 from now on, by path. */
  failing: Set<string>;
  /** How often each path was asked for. */
  asked: Map<string, number>;
  close(): Promise<void>;
}

/** The first of `pictures` wins; all have models but the last. */
export async function serveGallery(
  pictures: readonly { name: string; title: string }[],
): Promise<GallerySite> {
  const files = new Map<string, { bytes: Uint8Array; type: string }>();
  const put = (bytes: Uint8Array, type: string): string => {
    const path = `/media/${createHash("sha256").update(bytes).digest("hex")}`;
    files.set(path, { bytes, type });
    return path;
  };
  const memes: Meme[] = [];
  for (const [at, { name, title }] of pictures.entries()) {
    const source = await readFile(new URL(`../content/pictures/${name}`, import.meta.url));
    const image = put(await sharp(source).webp().toBuffer(), "image/webp");
    const memeId = image.slice("/media/".length);
    const meme = { memeId, title, image, rank: at + 1, boostSats: 43_210 - 9_000 * at, backers: 12 - at };
    if (at === pictures.length - 1) {
      memes.push({ ...meme, winner: false });
      continue;
    }
    const made = await memeToModel(source, { mode: "auto" });
    const model = {
      memeId,
      glb: put(made.glb, "model/gltf-binary"),
      poster: put(made.poster, "image/webp"),
      turntable: put(made.turntable, "image/webp"),
      provider: "local" as const,
    };
    memes.push({ ...meme, winner: true, model });
  }
  const site = { round: roundOf(memes), failing: new Set<string>(), asked: new Map<string, number>() };
  const found = async (id: string) => (id === ROUND ? site.round : undefined);
  const app = express();
  app.use((request, response, next) => {
    site.asked.set(request.path, (site.asked.get(request.path) ?? 0) + 1);
    if (site.failing.has(request.path)) response.status(503).end();
    else next();
  });
  app.get(/^\/media\/.*/, (request, response) => {
    const file = files.get(request.path);
    if (!file) return void response.status(404).end();
    response.set("Content-Security-Policy", "sandbox; default-src 'none'");
    response.set("Content-Type", file.type).end(file.bytes);
  });
  // Another viewer than ours, on a page with nothing else.
  app.use("/three", express.static(THREE_DIR));
  app.get("/three-page", (_request, response) => {
    const imports = { three: "/three/build/three.module.js" };
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    response.type("html").send(`<!doctype html><title>three</title>${map}`);
  });
  app.get("/api/rounds", (_request, response) => void response.json({ rounds: [site.round] }));
  app.get("/api/rounds/:id", async (request, response, next) => {
    const round = await found(request.params.id);
    if (round) response.json(round);
    else next();
  });
  app.get("/api/gallery", (_request, response) => {
    const items = site.round.memesRanked.flatMap(({ model, title, image, blurred }) =>
      model
        ? [{ ...model, title, image, roundId: ROUND, at: 1_795_374_600_000, ...(blurred && { blurred }) }]
        : [],
    );
    response.json({ items });
  });
  app.use("/api", (request, response) => {
    const code = /^\/rounds\/current/.test(request.path) ? "ROUND_NONE" : "ROUND_UNKNOWN";
    response.status(404).json({ type: "", title: "", status: 404, code, detail: code, advice: "" });
  });
  app.use(pageHeaders({ connect: [], https: false }));
  app.use(
    "/m",
    shareRouter(
      {},
      {
        finished: found,
        async cardOf({ memeId, poster }) {
          const flat = files.get(`/media/${memeId}`);
          return flat && { tag: memeId, bytes: await drawCard(flat.bytes, files.get(poster ?? "")?.bytes) };
        },
        readPage: () => readFile(`${PAGE_DIR}/index.html`, "utf8"),
        logger: createLogger("test", "silent"),
      },
    ),
  );
  app.use(express.static(PAGE_DIR, { index: false }));
  app.get(/.*/, (_request, response) => response.sendFile("index.html", { root: PAGE_DIR }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(site, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

const roundOf = (memesRanked: Meme[]): RoundDetail => ({
  roundId: ROUND,
  arena: "main",
  opensAt: 1_795_374_000_000,
  closesAt: 1_795_374_600_000,
  outcome: "closed",
  pot: 91_500,
  players: 14,
  memes: memesRanked.length,
  settlement: "mined",
  journalHash: "0".repeat(64),
  memesRanked,
  payouts: [],
  fee: 0,
  seatFees: 0,
  carryIn: 0,
  carryOut: 0,
  txids: [],
  settled: [],
});
