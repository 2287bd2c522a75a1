/**
 * The auditor (M4): a process of its own, with its own key, chain port and memory. Owns: putting its parts together,
 * one signature set per round and version, one judgement at a time. Does not own: any of the operator's state.
 * GET /healthz, GET /keys -> {auditorKey, headKey}, POST /cosign {plan, ...} -> {signatures}, POST /claims {receipt} ->
 * {honoured, held}, POST /closing {roundId} -> {closing, reason}; a no is {code, reason}.
 */
import { join } from "node:path";
import type { VerifyCompact } from "@meme-rounds/shared-schema/crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import type { Entry, Network } from "@meme-rounds/shared-schema/records";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { ChainPort } from "../../chain/index.ts";
import { createDigestSigner } from "../../infra/ecdsa.ts";
import type { Logger } from "../../infra/logger.ts";
import { keystorePath, openAuditorKeystore, receiptSigner } from "../keys.ts";
import { auditorSignatures, keyByScript } from "../settlement/sign.ts";
import { minedTwins } from "../settlement/twins.ts";
import { AuditorRefusal, type CosignRequest, cosignBody, type Signatures } from "../wire.ts";
import { AuditorBook, lineOf, paysTwice } from "./book.ts";
import { Claims } from "./claims.ts";
import { CLAIM_PATH, CLOSING_PATH, type ClosingAnswer, claimBody, closingBody } from "./desk.ts";
import { Drops } from "./drops.ts";
import { createFace } from "./face.ts";
import { Gate } from "./gate.ts";
import { Judge } from "./judge.ts";
import { isRoundId, NotesStore } from "./notes.ts";
import { type JournalSource, Tail } from "./tail.ts";

export interface AuditorOptions {
  network: Network;
  /** 0 takes any free port. */
  port: number;
  /** Keystore, book and notes go to `auditor` in here. */
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
  /** Between two looks at the live journals, ms; 1,000 by default. */
  lookMs?: number;
}

export interface AuditorDeps {
  chain: ChainPort;
  /** Straight from Redis: the auditor does not ask the operator for the journal. */
  readJournal(roundId: string): Promise<Entry[]>;
  source: JournalSource;
  verify: VerifyCompact;
  logger: Logger;
  now(): number;
}

export interface Auditor {
  url: string;
  auditorKey: string;
  /** Ed25519. */
  headKey: string;
  /** One look at every live journal; also happens by itself every `lookMs`. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

const LOOK_MS = 1_000;
/** Claims that are looked at, per second; the public's own limit is the route's. */
const CLAIMS_PER_SECOND = 50;

/** Starts the auditor. Rejects when its keystore cannot be opened or the port is taken. */
export async function createAuditor(options: AuditorOptions, deps: AuditorDeps): Promise<Auditor> {
  const { network } = options;
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
  const notes = await NotesStore.open(join(folder, "rounds"));
  const drops = new Drops(deps);
  const gate = new Gate({ ...deps, notes, drops });
  const auditorKeys = keystore.generations("auditor").map(({ publicKey }) => publicKey);
  const own = { network, auditorKey, olderAuditorKeys: auditorKeys.slice(0, -1) };
  const judge = new Judge(own, { ...deps, book, gate });
  const isSigned = (roundId: string): boolean => book.signedFor(roundId) !== undefined;
  const claims = new Claims(own, { ...deps, notes, isSigned });
  const signEd25519 = receiptSigner(keystore);
  const tail = new Tail(
    { ...own, everyMs: options.lookMs ?? LOOK_MS },
    { ...deps, notes, drops, sign: (bytes) => signEd25519(bytes, headKey) },
  );
  const signer = createDigestSigner();
  const forScript = keyByScript("auditor", auditorKeys, (key) => keystore.secretFor(key), signer);

  const sign = async (request: CosignRequest): Promise<Signatures> => {
    const { plan, collectSignatures, lostTxs } = request;
    const { roundId, version } = plan;
    const twins = await minedTwins(request, deps.chain);
    const halves = (operatorKey: string) =>
      auditorSignatures(
        plan,
        { publicKey: operatorKey, collectSignatures },
        { secret: keystore.secretOf("auditor"), sign: signer },
        forScript,
        twins,
      );
    const had = book.signedFor(roundId);
    if (had !== undefined && had.version >= version) {
      if (had.plan === hashJson(plan)) {
        const again = halves(had.operatorKey);
        // What was mined in another form has another txid, and so has what spends its pots: the same payments, still.
        if (twins.size > 0) await book.add(lineOf(plan, again.transactions, had));
        return again.signatures;
      }
      throw new AuditorRefusal("PLAN_DIFFERENT", `another plan was signed for ${roundId}`);
    }
    const { outcome, operatorKey, recheck } = await judge.judge(plan, lostTxs);
    const { signatures, transactions } = halves(operatorKey);
    const line = lineOf(plan, transactions, { outcome, operatorKey });
    const twice = had === undefined ? undefined : paysTwice(had, line);
    if (twice !== undefined) throw new AuditorRefusal("PAYS_TWICE", twice);
    await recheck();
    await book.add(line);
    deps.logger.info({ roundId, outcome, version, transactions: plan.txs.length }, "signed a settlement");
    return signatures;
  };

  const close = async (roundId: string): Promise<ClosingAnswer> => {
    if (isSigned(roundId)) return { closing: false, reason: "a settlement of the round was signed" };
    const reason = await gate.close(roundId, await judge.closesAtOf(roundId));
    return reason === undefined
      ? { closing: true, reason: "no result is signed any more" }
      : { closing: false, reason };
  };

  // One judgement at a time: two plans of one round, two rounds with one carry, or a signature and the end of the time
  // for it, never race past each other.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined); // its caller hears of the failure; the next in line does not care
    return mine;
  };
  const limiter = new RateLimiterMemory({ points: CLAIMS_PER_SECOND, duration: 1 });

  const face = await createFace(options, {
    get: { "/healthz": () => ({ ok: true }), "/keys": () => ({ auditorKey, headKey }) },
    post: {
      "/cosign": async (body) => {
        const parsed = cosignBody.safeParse(body);
        if (!parsed.success || !isRoundId(parsed.data.plan.roundId))
          throw new AuditorRefusal("BAD_REQUEST", "not a request to co-sign as documented");
        return { signatures: await inTurn(() => sign(parsed.data)) };
      },
      [CLAIM_PATH]: async (body) => {
        const parsed = claimBody.safeParse(body);
        if (!parsed.success) throw new CodedError("BAD_REQUEST", "not {receipt} as documented");
        await limiter.consume("claims").catch((cause: unknown): never => {
          throw new CodedError("RATE_LIMITED", undefined, { cause });
        });
        return await claims.claim(parsed.data.receipt);
      },
      [CLOSING_PATH]: async (body) => {
        const parsed = closingBody.safeParse(body);
        if (!parsed.success || !isRoundId(parsed.data.roundId))
          throw new AuditorRefusal("BAD_REQUEST", "not {roundId} as documented");
        return await inTurn(() => close(parsed.data.roundId));
      },
    },
    logger: deps.logger,
  });
  tail.start();
  return {
    url: `http://127.0.0.1:${face.port}`,
    auditorKey,
    headKey,
    look: () => tail.look(),
    async stop() {
      await face.stop();
      await last;
      await tail.stop();
      await book.close();
    },
  };
}
