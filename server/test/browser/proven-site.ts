/**
 * The built page beside a chain that only exists in memory, for looking at verifications. Owns: one HTTP server with the
 * page, the two API calls the page makes, and the chain in WhatsOnChain's words. Owns no assertion.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { utf8 } from "@meme-rounds/shared-schema/bytes";
import { sha256Hex } from "@meme-rounds/shared-schema/hash";
import express from "express";
import type { Proven } from "../../../shared-schema/test/support/proven.ts";
import { pageHeaders } from "../../src/infra/security-headers.ts";

const PAGE_DIR = fileURLToPath(new URL("../../../client/dist", import.meta.url));

export interface ProvenSite {
  url: string;
  /** What /api/rounds/:id/proof answers; the link and the settlement by default. */
  proof: object;
  /** Requests of the chain so far. */
  asked(): number;
  close(): Promise<void>;
}

export async function serveProven(round: Proven): Promise<ProvenSite> {
  const app = express();
  const { chain } = round;
  let asked = 0;
  const site = { proof: { link: { txid: round.link }, settlement: round.settlement } };
  app.use("/v1/bsv/main", (_request, _response, next) => {
    asked++;
    next();
  });
  app.get("/v1/bsv/main/tx/:txid/hex", async (request, response) => {
    const raw = await chain.rawTx(request.params.txid);
    response
      .status(raw === undefined ? 404 : 200)
      .type("text")
      .send(raw ?? "");
  });
  app.get("/v1/bsv/main/tx/:txid/:vout/spent", async (request, response) => {
    const txid = await chain.spentBy(request.params.txid, Number(request.params.vout));
    response.status(txid === undefined ? 404 : 200).json({ txid });
  });
  // Every transaction is alone in its block: its txid is the merkle root.
  const blockOf = (txid: string): string => sha256Hex(utf8(`block ${txid}`));
  const roots = new Map([...chain.raw.keys()].map((txid) => [blockOf(txid), txid]));
  app.get("/v1/bsv/main/tx/:txid/proof/tsc", async ({ params: { txid } }, response) => {
    const height = await chain.heightOf(txid);
    response.json(height === undefined ? null : [{ index: 0, target: blockOf(txid), nodes: [] }]);
  });
  app.get("/v1/bsv/main/block/:hash/header", ({ params: { hash } }, response) => {
    response.json({ hash, height: 100, merkleroot: roots.get(hash) });
  });
  app.get("/v1/bsv/main/address/:address/history", (_request, response) => void response.json([]));
  app.get("/api/network", (_request, response) => void response.json({ network: "devchain", wocUrl: url }));
  app.get("/api/rounds/:id/proof", (_request, response) => void response.json(site.proof));
  app.use("/api", (_request, response) => void response.status(404).json({ code: "NOT_FOUND" }));
  app.use(pageHeaders({ connect: [], https: false }));
  app.use(express.static(PAGE_DIR, { index: false }));
  app.get(/.*/, (_request, response) => response.sendFile("index.html", { root: PAGE_DIR }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(site, {
    url,
    asked: () => asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}
