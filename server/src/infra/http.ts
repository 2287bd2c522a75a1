/**
 * The REST edge: one pipeline for every route (limit, caller, schema, handler, answer).
 * Owns: the route table's type, binding it to express, problem documents (RFC 9457), the caller's IP.
 * Does not own: any route, who a token belongs to (passed in), or the rooms' messages.
 */
import { randomUUID } from "node:crypto";
import { CodedError, ERRORS, type ErrorCode, isErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Problem } from "@meme-rounds/shared-schema/rest";
import express from "express";
import type { z } from "zod";
import { canonicalIp } from "./client-ip.ts";
import { Held, HeldAnswer } from "./held.ts";
import type { Limiter, LimitKey, LimitRule } from "./limiter.ts";
import type { Logger } from "./logger.ts";

/** Who a valid access token speaks for. */
export interface Caller {
  identity: string;
  playKey: string;
  role: "player" | "moderator" | "admin";
  sessionId: string;
}

const RANKS = { none: 0, player: 1, moderator: 2, admin: 3 } as const;

/** Signatures, receipts, names, reasons: what is not a transaction is small. */
const MAX_BODY_BYTES = 64 * 1024;
/** For routes that take transactions or many of something. */
export const LARGE_BODY_BYTES = 1024 * 1024;
/** How long a cache in front keeps a refusal that is the same for everybody, s. Asking sooner brings the same one. */
const KEPT_SECONDS = 1;

type Method = "get" | "post" | "patch" | "delete";
type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

interface RouteSpec<B, Q, P, A extends z.ZodType> {
  method: Method;
  /** Under /api, express style: `/rounds/:id`. */
  path: string;
  summary: string;
  /** A moderator may what a player may, an admin what a moderator may (I4). */
  auth: "none" | "player" | "moderator" | "admin";
  body?: B;
  query?: Q;
  params?: P;
  answer: A;
  /** Status of a good answer; 200 by default. */
  status?: number;
  errors: readonly ErrorCode[];
  limit?: LimitRule;
  /** Bytes of JSON it takes, unpacked; MAX_BODY_BYTES by default. */
  maxBodyBytes?: number;
  /** The handler reads the body itself (uploads). */
  multipart?: boolean;
  /** `Cache-Control` of a good answer; answers with it also carry an ETag. */
  cache?: string | ((answer: z.input<A>) => string);
  /** Its good answers are the same for all callers and may be this old, ms: made once for all who ask meanwhile. */
  holdMs?: number;
  /** Refusals that are the same for all callers, too: held as good answers are, and a cache in front may have them. */
  keeps?: readonly ErrorCode[];
  /** The media type when it is not JSON; the handler then writes to `res` itself. */
  produces?: string;
}

export interface HandlerInput<B, Q, P> {
  body: Output<B>;
  query: Output<Q>;
  params: Output<P>;
  /** Defined whenever the route's `auth` is not "none". */
  caller: Caller | undefined;
  ip: string;
  req: express.Request;
  res: express.Response;
}

/** A route with its types erased, as the table and OpenAPI see it. */
export interface Route
  extends RouteSpec<z.ZodType | undefined, z.ZodType | undefined, z.ZodType | undefined, z.ZodType> {
  handler(input: HandlerInput<z.ZodType, z.ZodType, z.ZodType>): Promise<unknown>;
}

/** Declares a route; the handler's input and output are typed by the schemas given. */
export function route<
  A extends z.ZodType,
  B extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  P extends z.ZodType | undefined = undefined,
>(
  spec: RouteSpec<B, Q, P, A> & { handler(input: HandlerInput<B, Q, P>): Promise<z.input<A> | undefined> },
): Route {
  return spec as unknown as Route;
}

/** The caller of a route that demands one. Throws AUTH_REQUIRED where the route forgot to. */
export function callerOf(input: { caller: Caller | undefined }): Caller {
  if (input.caller === undefined) throw new CodedError("AUTH_REQUIRED");
  return input.caller;
}

/** I5: an identity is counted wherever it comes from; an address where nobody is signed in, or the rule says so. */
const limitKey = ({ per }: LimitRule, caller: Caller | undefined, ip: string): LimitKey =>
  caller === undefined || per === "ip" ? { ip } : caller.identity;

export interface HttpDeps {
  authenticate(token: string): Promise<Caller>;
  limiter: Limiter;
  logger: Logger;
  now?(): number;
}

function problemOf(code: ErrorCode, detail: string, errorId?: string): Problem {
  const { status, sentence, advice } = ERRORS[code];
  return {
    type: `/api/errors#${code}`,
    title: sentence,
    status,
    code,
    detail,
    advice,
    ...(errorId === undefined ? {} : { errorId }),
  };
}

/** A refusal as it is answered to everybody who asks within the next moment. */
function keptProblem({ code, message }: CodedError): HeldAnswer {
  const { status, retry } = ERRORS[code];
  return new HeldAnswer(problemOf(code, message), {
    cacheControl: `public, max-age=${KEPT_SECONDS}`,
    status,
    type: "application/problem+json",
    ...(retry ? { retrySeconds: KEPT_SECONDS } : {}),
  });
}

/** Writes an error as a problem document; unknown errors get an id that is also in the log (O6). */
export function sendProblem(res: express.Response, error: unknown, logger: Logger): void {
  const known = error instanceof CodedError ? error : fromExpress(error);
  // Caches keep some refusals by themselves, and for minutes.
  res.set("Cache-Control", "no-store");
  if (known !== undefined) {
    const problem = problemOf(known.code, known.message);
    res.status(problem.status).type("application/problem+json").send(JSON.stringify(problem));
    return;
  }
  const errorId = randomUUID();
  logger.error({ err: error, errorId }, "request failed");
  const problem = problemOf("INTERNAL", ERRORS.INTERNAL.sentence, errorId);
  res.status(500).type("application/problem+json").send(JSON.stringify(problem));
}

/** Express's own refusals (body parser, malformed URL) in our words. */
function fromExpress(error: unknown): CodedError | undefined {
  if (typeof error !== "object" || error === null || !("status" in error)) return undefined;
  if (error.status === 413) return new CodedError("BODY_TOO_LARGE");
  if (typeof error.status === "number" && error.status >= 400 && error.status < 500)
    return new CodedError("BAD_REQUEST", error instanceof Error ? error.message : undefined);
  return undefined;
}

function check<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  const path = first === undefined ? "" : first.path.join(".");
  const code = first && isErrorCode(first.message) ? first.message : "BAD_REQUEST";
  throw new CodedError(code, `${where}${path ? `.${path}` : ""}: ${first?.message ?? "invalid"}`);
}

const cacheOf = ({ cache }: Route, answer: unknown): string =>
  (typeof cache === "function" ? cache(answer) : cache) ?? "no-store";

/** Binds the routes under /api; ends with NOT_FOUND for what is left there. */
export function apiRouter(routes: readonly Route[], deps: HttpDeps): express.Router {
  const router = express.Router();
  const now = deps.now ?? Date.now;
  const readers = new Map<number, express.RequestHandler>();
  const jsonUpTo = (limit: number): express.RequestHandler => {
    const reader = readers.get(limit) ?? express.json({ limit, strict: true });
    readers.set(limit, reader);
    return reader;
  };
  for (const one of routes) {
    // Each its own: what one is asked for does not push out what another one holds.
    const held = new Held({ now });
    const isKept = (error: unknown): error is CodedError =>
      error instanceof CodedError && (one.keeps?.includes(error.code) ?? false);
    const make = async (input: Parameters<typeof one.handler>[0]): Promise<HeldAnswer> => {
      try {
        const answer = await one.handler(input);
        return new HeldAnswer(answer, { cacheControl: cacheOf(one, answer) });
      } catch (error) {
        if (isKept(error)) return keptProblem(error);
        throw error;
      }
    };
    const handle: express.RequestHandler = async (req, res) => {
      try {
        const ip = canonicalIp(req.ip ?? "") ?? "unknown";
        const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1];
        if (one.auth !== "none" && token === undefined) throw new CodedError("AUTH_REQUIRED");
        const caller =
          token !== undefined && one.auth !== "none" ? await deps.authenticate(token) : undefined;
        if (caller && RANKS[caller.role] < RANKS[one.auth])
          throw new CodedError("ROLE_REQUIRED", `This needs the role ${one.auth}.`);
        if (one.limit) await deps.limiter.take(one.limit, limitKey(one.limit, caller, ip), res);
        const input = {
          body: one.body ? check(one.body, req.body, "body") : undefined,
          query: one.query ? check(one.query, req.query, "query") : undefined,
          params: one.params ? check(one.params, req.params, "params") : undefined,
          caller,
          ip,
          req,
          res,
        };
        if (one.holdMs !== undefined) {
          const key = JSON.stringify([one.path, input.params, input.query]);
          const answer = await held.take(key, one.holdMs, () => make(input));
          answer.send(req, res);
          return;
        }
        const answer = await one.handler(input);
        if (one.produces !== undefined) return;
        res.set("Cache-Control", cacheOf(one, answer));
        res.status(one.status ?? 200).json(answer);
      } catch (error) {
        if (res.headersSent) {
          deps.logger.error({ err: error }, "failed after the answer began");
          res.destroy();
        } else if (isKept(error)) keptProblem(error).send(req, res);
        else sendProblem(res, error, deps.logger);
      }
    };
    const before =
      one.multipart || one.method === "get" ? [] : [jsonUpTo(one.maxBodyBytes ?? MAX_BODY_BYTES)];
    router[one.method](one.path, ...before, handle);
  }
  router.use((_req, res) => sendProblem(res, new CodedError("NOT_FOUND"), deps.logger));
  router.use(((error: unknown, _req, res, _next) => {
    sendProblem(res, error, deps.logger);
  }) satisfies express.ErrorRequestHandler);
  return router;
}
