/**
 * AITubo for development and tests: a real HTTP server in the shapes that are known of the real one.
 * Owns: routes, authorisation, what is refused, credit, how scripted faults are answered. Does not own: the list of
 * faults (faults.ts), jobs (jobs.ts), pixels (stylise.ts).
 *
 * It refuses what the real one refuses: no key or a wrong one (401), no prompt, a strength or size out of range (400),
 * no credit (402), an id it does not know (404); a job whose imagePath cannot be fetched or is no picture fails.
 * Where the real one's behaviour is unknown (statuses of errors) it follows HTTP; fault `code` answers the other way.
 *
 * Every fault of faults.ts happens on command to the next call of its path: `fault({path, kind})` in tests, or over
 * HTTP, with the key: POST /stand-in/faults {"path": "/api/job/create", "kind": "lost"}.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { type AnswerFault, type Fault, Faults, faultSchema, isEnding } from "./faults.ts";
import { Jobs, objectId, STATUS } from "./jobs.ts";

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
  /** Where nobody should be sent; faults lead there. The address of a cloud's metadata by default. */
  privateUrl?: string;
}

export interface AituboStandIn {
  url: string;
  /** Every call so far (the last 1,000): method, path and HTTP status, or what was done instead. */
  log: readonly string[];
  /** Jobs that were taken: each costs a credit. */
  readonly taken: number;
  /** Adds a fault for the next call to its path. */
  fault(fault: Fault): void;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 100_000;
const MAX_LOG = 1_000;
const PIECE_BYTES = 256 * 1024;
const PLATFORM_MODEL = "642b977d2f2842537c09fe41";

const order = z.object({
  prompt: z.string().min(1, "prompt is required").max(4_000),
  imagePath: z.url({ protocol: /^https?$/, error: "imagePath must be a URL" }),
  strength: z.number().gt(0, "strength out of range").lte(1, "strength out of range").default(0.5),
  width: z.int().min(8).max(2_048).default(1_024),
  height: z.int().min(8).max(2_048).default(1_024),
  count: z.int().min(1).max(4).default(1),
  modelId: z
    .string()
    .regex(/^[0-9a-f]{24}$/, "unknown model")
    .optional(),
});

interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  headers?: Record<string, string>;
  /** Sent in pieces, without a length. */
  chunked?: boolean;
}
/** The caller is left waiting, or its connection is cut. */
type NoAnswer = "hang" | "cut";

export async function startAitubo(options: AituboStandInOptions): Promise<AituboStandIn> {
  const { port, apiKey, latencyMs = 1_500, credit: startCredit = 10_000 } = options;
  const { privateUrl = "http://169.254.169.254/latest/meta-data/" } = options;
  const jobs = new Jobs({ latencyMs, privateUrl }, { now: Date.now });
  const faults = new Faults(options.faults ?? []);
  const log: string[] = [];
  let credit = startCredit;
  let taken = 0;
  let url = "";

  const create = (body: unknown, fault: Fault["kind"] | undefined): Answer | NoAnswer => {
    const asked = order.safeParse(body);
    if (!asked.success) return refused(400, asked.error.issues[0]?.message ?? "invalid parameters");
    if (credit < 1) return refused(402, "insufficient credit");
    credit--;
    taken++;
    const id = jobs.start(asked.data, isEnding(fault) ? fault : undefined);
    return fault === "lost" ? "cut" : ok({ id, credit, subCredit: 0, consumedCredit: 1 });
  };

  const progress = (id: string | null): Answer => {
    const job = id === null ? undefined : jobs.progress(id);
    if (!job) return refused(404, "job not found");
    if (job.status === STATUS.failed)
      return ok({ status: job.status, result: { code: 1, info: job.info, data: null } });
    if (job.status !== STATUS.done) return ok({ status: job.status, result: {} });
    const { images, ending } = job;
    const domain = ending === "privateDomain" ? new URL("/", privateUrl).href : `${url}/`;
    const video = ending === "video" || ending === "videoOnly" ? { video: "videos/art/a.mp4" } : {};
    const data = {
      domain,
      images:
        ending === "foreignPath"
          ? images.map((path) => new URL(path, privateUrl).href)
          : ending === "videoOnly"
            ? []
            : images,
      nsfws: images.map(() => ending === "nsfw"),
      artIds: images.map(objectId),
      ...video,
    };
    return ok({ status: job.status, result: { code: 0, info: "", data } });
  };

  const command = (body: unknown): Answer => {
    const fault = faultSchema.safeParse(body);
    if (!fault.success) return refused(400, "no fault of that kind");
    faults.add(fault.data);
    return ok({});
  };

  const file = (path: string): Answer | NoAnswer | undefined => {
    const found = jobs.file(path);
    if (!found) return undefined;
    const fault = faults.take("file");
    if (fault !== undefined && !isEnding(fault)) return faulty(fault) ?? refused(500, "scripted");
    const { redirectTo, ...rest } = found;
    return redirectTo === undefined
      ? { status: 200, ...rest }
      : { status: 302, ...rest, headers: { location: redirectTo } };
  };

  const answer = async (request: IncomingMessage): Promise<Answer | NoAnswer> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://aitubo");
    const route = `${request.method} ${pathname}`;
    const result = request.method === "GET" ? file(pathname.slice(1)) : undefined;
    if (result) return result;
    const fault = faults.take(pathname);
    if (fault !== undefined && !isEnding(fault)) {
      const made = faulty(fault);
      if (made) return made;
    }
    const known = pathname.startsWith("/api/") || pathname.startsWith("/stand-in/");
    if (!known) return { status: 404, type: "text/plain", body: "not found" };
    if (request.headers.authorization !== `Bearer ${apiKey}`) return refused(401, "unauthorized");
    if (route === "GET /api/job/get") return progress(searchParams.get("id"));
    if (route === "GET /api/model/list") return models(url);
    const handle =
      route === "POST /api/job/create"
        ? (body: unknown) => create(body, fault)
        : route === "POST /stand-in/faults"
          ? command
          : undefined;
    if (!handle) return refused(404, "not found");
    const body = await readJson(request);
    return body === undefined ? refused(400, "the body is not JSON") : handle(body);
  };

  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown) => refused(500, error instanceof Error ? error.message : "internal error"))
      .then((made) => {
        const done = typeof made === "string" ? made : made.status;
        log.push(`${request.method} ${request.url?.split("?")[0]} ${done}`);
        if (log.length > MAX_LOG) log.shift();
        if (made === "cut") response.destroy();
        else if (made !== "hang") write(response, made);
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
    get taken() {
      return taken;
    },
    fault: (fault) => faults.add(fault),
    close: () =>
      new Promise<void>((resolve, reject) => {
        jobs.stop();
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** How a call is answered badly; undefined for `lost`, which goes its way first. */
function faulty(fault: AnswerFault): Answer | NoAnswer | undefined {
  switch (fault) {
    case "lost":
      return undefined;
    case "hang":
    case "cut":
      return fault;
    case "html":
      return { status: 502, type: "text/html", body: "<html>Bad Gateway</html>" };
    case "page":
      return { status: 200, type: "text/html", body: "<html>One moment, please</html>" };
    case "torn":
      return { status: 200, type: "application/json", body: '{"code":0,"info":"","da' };
    case "code":
      return { ...refused(500, "internal error"), status: 200 };
    case "code402":
      return { ...refused(402, "insufficient credit"), status: 200 };
    case "429":
    case "503":
      return { ...refused(Number(fault), "too many requests"), headers: { "retry-after": "2" } };
    default:
      return refused(Number(fault), "scripted");
  }
}

const models = (url: string): Answer =>
  ok({
    domain: `${url}/`,
    total: 1,
    models: [
      { id: PLATFORM_MODEL, name: "DreamShaper", username: "Aitubo", desc: "", cover: "", controlNet: true },
    ],
  });

const ok = (data: unknown): Answer => json(200, { code: 0, info: "", data });
const refused = (code: number, info: string): Answer => json(code, { code, info, data: null });
const json = (status: number, value: unknown): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});

function write(response: ServerResponse, { status, type, body, headers, chunked }: Answer): void {
  const length = chunked ? {} : { "content-length": Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, "content-type": type, ...length });
  if (!chunked || typeof body === "string") {
    response.end(body);
    return;
  }
  let at = 0;
  const more = (): void => {
    while (!response.destroyed && at < body.length) {
      at += PIECE_BYTES;
      if (!response.write(body.subarray(at - PIECE_BYTES, at))) return void response.once("drain", more);
    }
    response.end();
  };
  more();
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
