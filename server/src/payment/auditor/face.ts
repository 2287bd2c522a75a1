/**
 * The auditor's HTTP face on 127.0.0.1. Owns: reading bodies, statuses, what a failure looks like from outside.
 * Does not own: any answer (index.ts).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { CodedError, ERRORS } from "@meme-rounds/shared-schema/errors";
import type { Logger } from "../../infra/logger.ts";
import { answerMetrics } from "../../infra/metrics.ts";
import { AuditorRefusal } from "../wire.ts";

export interface FaceOptions {
  /** 0 takes any free port. */
  port: number;
  metricsToken?: string;
}

export interface FaceDeps {
  /** By path. */
  get: Readonly<Record<string, () => object>>;
  /** By path; the body is whatever JSON was sent. */
  post: Readonly<Record<string, (body: unknown) => Promise<object>>>;
  logger: Logger;
}

/** A plan of 10,000 deposits is 8 MB. */
const MAX_BODY = 64_000_000;

/** Listens; resolves with the port and a way to stop. Rejects when the port is taken. */
export async function createFace(
  options: FaceOptions,
  deps: FaceDeps,
): Promise<{ port: number; stop(): Promise<void> }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split("?")[0] ?? "";
    if (request.method === "GET" && path === "/metrics")
      return answerMetrics(request, response, options.metricsToken);
    const get = request.method === "GET" ? deps.get[path] : undefined;
    if (get !== undefined) return write(response, 200, get());
    const post = request.method === "POST" ? deps.post[path] : undefined;
    if (post === undefined)
      return write(response, 404, { code: "BAD_REQUEST", reason: "there is nothing here" });
    try {
      write(response, 200, await post(await readJson(request)));
    } catch (error) {
      const { status, code, reason } = failureOf(error);
      if (status === 503) deps.logger.error({ err: error, path }, "could not answer");
      else deps.logger.warn({ path, code, reason }, "refused");
      write(response, status, { code, reason });
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  await listen(server, options.port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
    },
  };
}

function failureOf(error: unknown): { status: number; code: string; reason: string } {
  if (error instanceof AuditorRefusal)
    return { status: error.code === "UNAVAILABLE" ? 503 : 422, code: error.code, reason: error.message };
  if (error instanceof CodedError && error.code !== "UNAVAILABLE")
    return { status: ERRORS[error.code].status, code: error.code, reason: error.message };
  const reason = error instanceof CodedError ? error.message : "the auditor could not judge";
  return { status: 503, code: "UNAVAILABLE", reason };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) throw new AuditorRefusal("BAD_REQUEST", "the body is too large");
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (cause) {
    throw new AuditorRefusal("BAD_REQUEST", "the body is no JSON", { cause });
  }
}

function write(response: ServerResponse, status: number, body: object): void {
  const type = status === 200 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}
