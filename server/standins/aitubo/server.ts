/**
 * AITubo for development and tests: a real HTTP server in the shapes that are known of the real one.
 * Owns: routes, authorisation, what is refused, credit, scripted faults. Does not own: jobs (jobs.ts), pixels (stylise.ts).
 * Where the real one's behaviour is unknown (statuses of errors) it follows HTTP; fault `code` answers the other way.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { type Ending, Jobs, objectId, STATUS } from "./jobs.ts";

/**
 * What goes wrong with the next call to a path: an HTTP status, a proxy's page, a 200 whose `code` is 500, no answer
 * at all, or a job that ends badly.
 */
export type FaultKind = 401 | 402 | 429 | 500 | "html" | "code" | "hang" | Ending;
export interface Fault {
  path: "/api/job/create" | "/api/job/get";
  kind: FaultKind;
}

export interface AituboStandInOptions {
  /** 0: any free one. */
  port: number;
  apiKey: string;
  /** How long a job takes, ms. */
  latencyMs?: number;
  /** Jobs that can be paid for. */
  credit?: number;
  /** Each happens once, in order. */
  faults?: readonly Fault[];
}

export interface AituboStandIn {
  url: string;
  /** Every call so far (the last 1,000): method, path and HTTP status. */
  log: readonly string[];
  /** Adds a fault for the next call to its path. */
  fault(fault: Fault): void;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 100_000;
const MAX_LOG = 1_000;
const PLATFORM_MODEL = "642b977d2f2842537c09fe41";

const order = z.object({
  prompt: z.string().min(1, "prompt is required").max(4_000),
  imagePath: z.url({ protocol: /^https?$/, error: "imagePath must be a URL" }),
  strength: z.number().gt(0, "strength out of range").lte(1, "strength out of range").default(0.5),
  width: z.int().min(8).max(2_048).default(1_024),
  height: z.int().min(8).max(2_048).default(1_024),
  count: z.int().min(1).max(4).default(1),
});

interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  headers?: Record<string, string>;
}

export async function startAitubo(options: AituboStandInOptions): Promise<AituboStandIn> {
  const { port, apiKey, latencyMs = 1_500, credit: startCredit = 10_000 } = options;
  const jobs = new Jobs({ latencyMs }, { now: Date.now });
  const faults = [...(options.faults ?? [])];
  const log: string[] = [];
  let credit = startCredit;
  let url = "";

  const takeFault = (path: string): FaultKind | undefined => {
    const at = faults.findIndex((fault) => fault.path === path);
    return at < 0 ? undefined : faults.splice(at, 1)[0]?.kind;
  };

  const create = (body: unknown, fault: FaultKind | undefined): Answer => {
    const asked = order.safeParse(body);
    if (!asked.success) return refused(400, asked.error.issues[0]?.message ?? "invalid parameters");
    if (credit < 1) return refused(402, "insufficient credit");
    credit--;
    const id = jobs.start(asked.data, fault === "failed" || fault === "nsfw" ? fault : undefined);
    return ok({ id, credit, subCredit: 0, consumedCredit: 1 });
  };

  const progress = (id: string | null): Answer => {
    const job = id === null ? undefined : jobs.progress(id);
    if (!job) return refused(404, "job not found");
    if (job.status === STATUS.failed)
      return ok({ status: job.status, result: { code: 1, info: job.info, data: null } });
    if (job.status !== STATUS.done) return ok({ status: job.status, result: {} });
    const data = {
      domain: `${url}/`,
      images: job.images,
      nsfws: job.images.map(() => job.nsfw),
      artIds: job.images.map(objectId),
    };
    return ok({ status: job.status, result: { code: 0, info: "", data } });
  };

  const models = (): Answer =>
    ok({
      domain: `${url}/`,
      total: 1,
      models: [
        {
          id: PLATFORM_MODEL,
          name: "DreamShaper",
          username: "Aitubo",
          desc: "",
          cover: "",
          controlNet: true,
        },
      ],
    });

  /** Undefined: the caller is left waiting. */
  const answer = async (request: IncomingMessage): Promise<Answer | undefined> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://aitubo");
    const fault = takeFault(pathname);
    if (fault === "hang") return undefined;
    if (fault === "html") return { status: 502, type: "text/html", body: "<html>Bad Gateway</html>" };
    if (fault === "code") return { ...refused(500, "internal error"), status: 200 };
    if (fault === 429) return { ...refused(429, "too many requests"), headers: { "retry-after": "2" } };
    if (typeof fault === "number") return refused(fault, "scripted");
    const route = `${request.method} ${pathname}`;
    const file = request.method === "GET" ? jobs.file(pathname.slice(1)) : undefined;
    if (file) return { status: 200, type: "image/jpeg", body: file };
    if (!pathname.startsWith("/api/")) return { status: 404, type: "text/plain", body: "not found" };
    if (request.headers.authorization !== `Bearer ${apiKey}`) return refused(401, "unauthorized");
    if (route === "POST /api/job/create") {
      const body = await readJson(request);
      return body === undefined ? refused(400, "the body is not JSON") : create(body, fault);
    }
    if (route === "GET /api/job/get") return progress(searchParams.get("id"));
    if (route === "GET /api/model/list") return models();
    return refused(404, "not found");
  };

  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown) => refused(500, error instanceof Error ? error.message : "internal error"))
      .then((made) => {
        log.push(`${request.method} ${request.url?.split("?")[0]} ${made?.status ?? "hang"}`);
        if (log.length > MAX_LOG) log.shift();
        if (made) write(response, made);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : port}`;

  return {
    url,
    log,
    fault: (fault) => void faults.push(fault),
    close: () =>
      new Promise<void>((resolve, reject) => {
        jobs.stop();
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

const ok = (data: unknown): Answer => json(200, { code: 0, info: "", data });
const refused = (code: number, info: string): Answer => json(code, { code, info, data: null });
const json = (status: number, value: unknown): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});

function write(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, {
    ...headers,
    "content-type": type,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

/** The body as JSON; undefined when it is none or longer than 100 kB. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    return undefined;
  }
}
