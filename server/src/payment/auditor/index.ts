/**
 * The auditor (M4): a process of its own, with its own key, chain port and memory. Owns: its HTTP face on 127.0.0.1,
 * one signature set per round, one judgement at a time. Does not own: any of the operator's state.
 * GET /healthz, GET /keys -> {auditorKey, headKey}, POST /cosign {plan, ...} -> {signatures} or {code, reason}.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import type { Entry, Network } from "@meme-rounds/shared-schema/records";
import type { ChainPort } from "../../chain/index.ts";
import { createDigestSigner } from "../../infra/ecdsa.ts";
import type { Logger } from "../../infra/logger.ts";
import { answerMetrics } from "../../infra/metrics.ts";
import { keystorePath, openAuditorKeystore } from "../keys.ts";
import { auditorSignatures } from "../settlement/sign.ts";
import { AuditorRefusal, type CosignRequest, cosignBody, type Signatures } from "../wire.ts";
import { AuditorBook, lineOf, paysTwice } from "./book.ts";
import { Judge } from "./judge.ts";

export interface AuditorOptions {
  network: Network;
  /** 0 takes any free port. */
  port: number;
  /** Keystore and book go to `auditor` in here. */
  dataDir: string;
  passphrase: string;
  /** Make keys on a first start; never in production. */
  createKeys: boolean;
  /** The keys guard real coins: development keys and a file that others can read are refused (O7). */
  realKeys?: boolean;
  /** Opens /metrics to callers from elsewhere. */
  metricsToken?: string;
  /** scrypt's cost, for tests. */
  scryptCost?: number;
}

export interface AuditorDeps {
  chain: ChainPort;
  /** Straight from Redis: the auditor does not ask the operator for the journal. */
  readJournal(roundId: string): Promise<Entry[]>;
  verify: VerifyCompact;
  logger: Logger;
  now(): number;
}

export interface Auditor {
  url: string;
  auditorKey: string;
  /** Ed25519. */
  headKey: string;
  stop(): Promise<void>;
}

/** A plan of 10,000 deposits is 8 MB. */
const MAX_BODY = 64_000_000;

/** Starts the auditor. Rejects when its keystore cannot be opened or the port is taken. */
export async function createAuditor(options: AuditorOptions, deps: AuditorDeps): Promise<Auditor> {
  const folder = join(options.dataDir, "auditor");
  const keystore = await openAuditorKeystore({
    path: keystorePath(options.dataDir, "auditor"),
    passphrase: options.passphrase,
    createIfAbsent: options.createKeys,
    real: options.realKeys ?? false,
    ...(options.scryptCost === undefined ? {} : { scryptCost: options.scryptCost }),
  });
  const auditorKey = keystore.publicKeyOf("auditor");
  const headKey = keystore.publicKeyOf("auditorHead");
  const book = await AuditorBook.open(join(folder, "signed.jsonl"));
  const judge = new Judge({ network: options.network, auditorKey }, { ...deps, book });

  const signer = createDigestSigner();

  const sign = async ({ plan, collectSignatures, lostTxs }: CosignRequest): Promise<Signatures> => {
    const { roundId, version } = plan;
    const halves = (operatorKey: string) =>
      auditorSignatures(
        plan,
        { publicKey: operatorKey, collectSignatures },
        { secret: keystore.secretOf("auditor"), sign: signer },
      );
    const had = book.signedFor(roundId);
    if (had !== undefined && had.version >= version) {
      if (had.plan === hashJson(plan)) return halves(await judge.operatorKeyOf(roundId)).signatures;
      throw new AuditorRefusal("PLAN_DIFFERENT", `another plan was signed for ${roundId}`);
    }
    const outcome = await judge.judge(plan, lostTxs);
    const { signatures, transactions } = halves(await judge.operatorKeyOf(roundId));
    const line = lineOf(plan, transactions, outcome);
    const twice = had === undefined ? undefined : paysTwice(had, line);
    if (twice !== undefined) throw new AuditorRefusal("PAYS_TWICE", twice);
    if (had !== undefined && had.outcome !== outcome)
      throw new AuditorRefusal("PLAN_DIFFERENT", `a ${had.outcome} was signed for ${roundId}`);
    await book.add(line);
    deps.logger.info({ roundId, outcome, version, transactions: plan.txs.length }, "signed a settlement");
    return signatures;
  };

  // One judgement at a time: two plans of one round, or two rounds with one carry, never race past each other.
  let last: Promise<unknown> = Promise.resolve();
  const cosign = (body: unknown): Promise<Signatures> => {
    const parsed = cosignBody.safeParse(body);
    if (!parsed.success)
      return Promise.reject(new AuditorRefusal("BAD_REQUEST", "not a request to co-sign as documented"));
    const mine = last.then(() => sign(parsed.data));
    last = mine.catch(() => undefined); // its caller hears of the failure; the next in line does not care
    return mine;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split("?")[0];
    if (request.method === "GET" && path === "/healthz") return write(response, 200, { ok: true });
    if (request.method === "GET" && path === "/metrics")
      return answerMetrics(request, response, options.metricsToken);
    if (request.method === "GET" && path === "/keys") return write(response, 200, { auditorKey, headKey });
    if (request.method !== "POST" || path !== "/cosign")
      return write(response, 404, { code: "BAD_REQUEST", reason: "there is nothing here" });
    try {
      write(response, 200, { signatures: await cosign(await readJson(request)) });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.code === "UNAVAILABLE") deps.logger.error({ err: error }, "could not judge a settlement");
      else deps.logger.warn({ code: refusal.code, reason: refusal.message }, "refused a settlement");
      write(response, refusal.code === "UNAVAILABLE" ? 503 : 422, {
        code: refusal.code,
        reason: refusal.message,
      });
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  await listen(server, options.port);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    url: `http://127.0.0.1:${port}`,
    auditorKey,
    headKey,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
      await last;
      await book.close();
    },
  };
}

function refusalOf(error: unknown): AuditorRefusal {
  if (error instanceof AuditorRefusal) return error;
  const reason = error instanceof CodedError ? error.message : "the auditor could not judge";
  return new AuditorRefusal("UNAVAILABLE", reason, { cause: error });
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
