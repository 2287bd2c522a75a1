/**
 * The HTTP side of a process: API, media, page, health (design.md 8). Owns: which path goes where, and headers
 * common to all. Does not own: any route's behaviour.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ERRORS } from "@meme-rounds/shared-schema/errors";
import compression from "compression";
import express from "express";
import { z } from "zod";
import { trustOf } from "./infra/client-ip.ts";
import { apiRouter, type HttpDeps, type Route, route } from "./infra/http.ts";
import { answerMetrics } from "./infra/metrics.ts";
import { DOCS_STYLE, docsPage, openApiOf } from "./infra/openapi.ts";
import { dataHeaders, docsHeaders, type PageNeeds, pageHeaders } from "./infra/security-headers.ts";
import { type SecurityTxtOptions, securityTxt } from "./infra/security-txt.ts";

export interface WebOptions {
  /** TRUST_PROXY; empty trusts nobody. */
  trustProxy: string;
  /** The built page; absent on processes that do not serve it. */
  pageDir?: string;
  /** Opens /metrics to callers from elsewhere. */
  metricsToken?: string;
  /** What the page's CSP lets it reach; nothing but its own origin by default. */
  page?: PageNeeds;
  /** Who is told of a weakness; no such file without. */
  security?: SecurityTxtOptions;
}

export interface WebDeps extends HttpDeps {
  routes: Route[];
  media?: express.Router;
  /** C7: pages of memes, where the page itself is served. */
  share?: express.Router;
  /** False while draining or where a part is not reachable. */
  ready(): Promise<boolean>;
  /** What /readyz says besides. */
  details?(): Promise<Record<string, unknown>>;
}

const errorsRoute: Route = route({
  method: "get",
  path: "/errors",
  summary: "Every error code with its sentence and advice",
  auth: "none",
  answer: z.record(
    z.string(),
    z.object({ status: z.number(), sentence: z.string(), advice: z.string(), retry: z.boolean() }),
  ),
  cache: "public, max-age=300",
  errors: [],
  handler: async () => ({ ...ERRORS }),
});

/** Binds everything onto an express app that somebody else listens with. */
export function bindWeb(app: express.Application, options: WebOptions, deps: WebDeps): void {
  app.disable("x-powered-by");
  app.set("trust proxy", trustOf(options.trustProxy));
  const needs = options.page ?? { connect: [], https: false };
  // Everything is data until a route says that it is a page.
  app.use(dataHeaders(needs));
  app.get("/healthz", (_req, res) => void res.json({ ok: true }));
  app.get("/readyz", async (_req, res) => {
    try {
      const ready = await deps.ready();
      // Not asked while it is not ready: the parts that would answer may be what is missing.
      const details = ready ? await deps.details?.() : undefined;
      res.status(ready ? 200 : 503).json({ ready, ...details });
    } catch (err) {
      deps.logger.warn({ err }, "/readyz could not be answered");
      res.status(503).json({ ready: false });
    }
  });
  app.get("/metrics", (req, res) => void answerMetrics(req, res, options.metricsToken));
  // Media are compressed formats already, and their ranges are of the bytes as they are.
  app.use(
    compression({ filter: (req, res) => !req.path.startsWith("/media/") && compression.filter(req, res) }),
  );
  const routes = [...deps.routes, errorsRoute];
  app.get("/api/openapi.json", (_req, res) => void res.json(openApiOf(routes)));
  app.get("/api/docs", docsHeaders(needs, DOCS_STYLE), (_req, res) => {
    res.type("html").send(docsPage(routes));
  });
  app.use("/api", apiRouter(routes, deps));
  if (deps.media) app.use("/media", deps.media);
  if (options.security) app.get("/.well-known/security.txt", securityTxt(options.security));
  if (options.pageDir !== undefined && existsSync(options.pageDir)) {
    app.use(pageHeaders(needs));
    if (deps.share) app.use("/m", deps.share);
    bindPage(app, options.pageDir);
  }
}

/** Hashed assets are immutable; the page itself is always asked for again. */
function bindPage(app: express.Application, dir: string): void {
  app.use(
    "/assets",
    express.static(join(dir, "assets"), { immutable: true, maxAge: "1y", fallthrough: false }),
  );
  app.use(express.static(dir, { index: false, maxAge: "1h" }));
  app.get(/^\/(?!matchmake\/|api\/|media\/|spectate\/).*/, (_req, res) => {
    res.set("Cache-Control", "no-cache").sendFile(join(dir, "index.html"), { root: "/" });
  });
}
