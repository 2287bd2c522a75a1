/**
 * What every answer tells a browser not to do. Owns: the policies (CSP and its relatives), one for the page, one for
 * everything that is no page. Does not own: media's and the docs page's own words (their routes), CORS (http-guard.ts).
 */
import { createHash } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import helmet from "helmet";

export interface PageNeeds {
  /** Origins the page reads beside its own: the chain API a verification asks, relays under other names. */
  connect: readonly string[];
  /** The server is reached by https: browsers are told to never come by http again. */
  https: boolean;
}

/** A year, s. */
const HSTS_SECONDS = 31_536_000;
const NOTHING = ["'none'"];
/** The text of the `<style>` that model-viewer 4.4.0 puts into its shadow root. The viewer's browser test reads it. */
const MODEL_VIEWER_STYLE = "'sha256-PXtZZkJMMyc18o/DN1ZEFOJ2qEGq95IQbVaJFMOXOb0='";

/** A CSP source for an inline `<style>` or `<script>` of exactly this text. */
export const hashSource = (text: string): string =>
  `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** What is read beside one's own origin, as CSP writes it; paths are left out, they would match only themselves. */
export function connectSources(urls: readonly (string | undefined)[]): string[] {
  const origins = urls.flatMap((url) => {
    const origin = url === undefined ? undefined : URL.parse(url)?.origin;
    return origin === undefined || origin === "null" ? [] : [origin];
  });
  return [...new Set(origins)];
}

/** Headers all answers have, whatever they are. */
const common = (https: boolean) =>
  ({
    strictTransportSecurity: https ? { maxAge: HSTS_SECONDS, includeSubDomains: false } : false,
    referrerPolicy: { policy: "no-referrer" },
    xFrameOptions: { action: "deny" },
    // No page of ours opens one that needs its opener; wallets' windows are the extensions' own.
    crossOriginOpenerPolicy: { policy: "same-origin" },
    // Isolation would need every picture and script to opt in, and gives nothing we use.
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: { policy: "same-origin" },
    originAgentCluster: true,
  }) as const;

/** The policy of what is no page: it loads nothing, stands in no frame, sends no form. */
const INERT = {
  defaultSrc: NOTHING,
  frameAncestors: NOTHING,
  baseUri: NOTHING,
  formAction: NOTHING,
};

/**
 * Helmet's headers hang on nothing in a request: it is asked once, and each answer is given the same. Working them out
 * anew took a third of what a short answer takes.
 */
function fixed(handler: RequestHandler): RequestHandler {
  const headers = new Map<string, string>();
  const recorder = {
    setHeader: (name: string, value: string) => void headers.set(name, value),
    removeHeader: (name: string) => void headers.delete(name),
  };
  handler({} as Request, recorder as unknown as Response, (error?: unknown) => {
    if (error !== undefined) throw error;
  });
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

/** For API, health, and everything that is data: of no use as a document, and to no other site. */
export const dataHeaders = (needs: Pick<PageNeeds, "https">): RequestHandler => {
  const set = fixed(
    helmet({
      ...common(needs.https),
      contentSecurityPolicy: { useDefaults: false, directives: INERT },
    }) as RequestHandler,
  );
  // Where the guard stands in front (http-guard.ts) they are there already.
  return (req, res, next) => (res.hasHeader("Content-Security-Policy") ? next() : set(req, res, next));
};

/**
 * For the page. Nothing inline, nothing evaluated, no plugin, no frame in or around it, no form sent anywhere.
 *
 * - `wasm-unsafe-eval`: the decoder of compressed models is WebAssembly; it compiles no JavaScript.
 * - `blob:` in worker, img and connect: pictures that are being cut, textures inside models, the decoder's workers.
 * - trusted types: text becomes markup, code or a script's address only through the two policies named: the viewer's
 *   templates, and the page's own workers (client/src/net/start-worker.ts). Browsers without them ignore it.
 * - the one style by hash: model-viewer's own, in its shadow root. A test reads it in the browser.
 */
export const pageHeaders = (needs: PageNeeds): RequestHandler =>
  fixed(
    helmet({
      ...common(needs.https),
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: NOTHING,
          scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
          scriptSrcAttr: NOTHING,
          styleSrc: ["'self'", MODEL_VIEWER_STYLE],
          styleSrcAttr: NOTHING,
          imgSrc: ["'self'", "data:", "blob:"],
          fontSrc: ["'self'"],
          mediaSrc: ["'self'"],
          connectSrc: ["'self'", "blob:", ...needs.connect],
          workerSrc: ["'self'", "blob:"],
          manifestSrc: ["'self'"],
          objectSrc: NOTHING,
          frameSrc: NOTHING,
          frameAncestors: NOTHING,
          baseUri: NOTHING,
          formAction: ["'self'"],
          requireTrustedTypesFor: ["'script'"],
          trustedTypes: ["own-workers", "lit-html", "'allow-duplicates'"],
        },
      },
    }) as RequestHandler,
  );

/** For the readable page of the API: text and one style. */
export const docsHeaders = (needs: Pick<PageNeeds, "https">, style: string): RequestHandler =>
  fixed(
    helmet({
      ...common(needs.https),
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { ...INERT, styleSrc: [hashSource(style)] },
      },
    }) as RequestHandler,
  );
