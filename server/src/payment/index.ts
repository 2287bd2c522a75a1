/**
 * The Payment Service's public face. Owns: what the game process needs of it: routes, deposits, carries, receipts,
 * asking for a settlement and showing it. The worker and the auditor are processes of their own (worker.ts,
 * auditor/index.ts); everything else in this folder is private.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { SignedHead } from "@meme-rounds/shared-schema/receipt";
import type { Network } from "@meme-rounds/shared-schema/records";
import { Queue } from "bullmq";
import type { ChainPort } from "../chain/index.ts";
import type { Route } from "../infra/http.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { createAuditorDesk } from "./auditor/desk.ts";
import { headsOf, latestHead } from "./auditor/heads.ts";
import { createAuditorClient } from "./auditor-client.ts";
import { CarryBook } from "./carry.ts";
import { claimRoutes } from "./claim-routes.ts";
import {
  type Deposited,
  type Depositor,
  Deposits,
  type DepositTerms,
  type DepositVerdict,
} from "./deposits/index.ts";
import { type KeystoreOptions, openOperatorKeystore, receiptSigner } from "./keys.ts";
import { costOf, createRecordQueue, keysJob, type LedgerView, ledgerOf } from "./ledger/index.ts";
import { HINT_CHANNEL, QUEUE, QUEUE_PREFIX, type SettlementJob } from "./queue.ts";
import { walletRoutes } from "./routes.ts";
import { SettlementStore, type SettlementView } from "./settlement/store.ts";

export { publishHead } from "./auditor/heads.ts";
export { type Auditor, type AuditorDeps, type AuditorOptions, createAuditor } from "./auditor/index.ts";
export type {
  AcceptedDeposit,
  Deposited,
  Depositor,
  DepositTerms,
  DepositVerdict,
} from "./deposits/index.ts";
export { type KeystoreOptions, keystorePath } from "./keys.ts";
export { createRecordQueue, modelJobs, profileJob, type RecordJob, takedownJob } from "./ledger/index.ts";
export { SETTLED_CHANNEL, SETTLEMENT_QUEUE } from "./queue.ts";
export {
  auditorSignatures,
  collectSignatures,
  signSettlement,
} from "./settlement/sign.ts";
export {
  createSettlementWorker,
  type SettlementWorker,
  type SettlementWorkerDeps,
  type SettlementWorkerOptions,
} from "./worker.ts";

export interface PaymentOptions {
  network: Network;
  keystore: KeystoreOptions;
  auditorUrl: string;
  /** The devchain's base URL, for its faucet; ignored on other networks. */
  faucetUrl?: string;
  /** M1: so much unmined value at most in one round, sat. Default 200,000,000. */
  unminedCapSats?: number;
  /** How long to wait for the auditor at the start, ms. Default 30,000. */
  auditorWaitMs?: number;
}

export interface PaymentDeps {
  redis: Redis;
  chain: ChainPort;
  logger: Logger;
  now(): number;
}

export interface PaymentService {
  routes: Route[];
  /** secp256k1 compressed and Ed25519 public keys, hex. */
  keys(): { operatorKey: string; auditorKey: string; auditorHeadKey: string; receiptKey: string };
  /** Ed25519 by the receipt key over the bytes, hex (R9). */
  signReceipt(bytes: Uint8Array, receiptKey: string): string;
  /** sat/KB (M8). */
  feeRate(): Promise<number>;
  /** M1; see Deposits.accept. */
  acceptDeposit(terms: DepositTerms, who: Depositor, txHex: string): Promise<DepositVerdict>;
  /** M1: outpoints to drop at the freeze, within 10 s. */
  judgeDeposits(deposits: readonly Deposited[]): Promise<string[]>;
  /** E11: carries that the round consumes; to be asked before record 1. The same answer for the same round. */
  claimCarry(arena: string, roundId: string): Promise<{ roundId: string; sats: number }[]>;
  /** To be called once the journal has its end. Any number of times. */
  enqueueSettlement(roundId: string): Promise<void>;
  /** Undefined until there is a plan. */
  settlementOf(roundId: string): Promise<SettlementView | undefined>;
  /** M4: the auditor's newest word on a round's journal; undefined before its first. */
  headOf(roundId: string): Promise<SignedHead | undefined>;
  /** M4: every distinct head of a round that is kept, oldest first. */
  headsOf(roundId: string): Promise<SignedHead[]>;
  /** M5: a round's link, once it is stored. */
  ledgerOf(roundId: string): Promise<LedgerView | undefined>;
  /** What a round has cost on chain so far: bytes and sat by what for. */
  costOf(roundId: string): Promise<Record<string, number>>;
  /** Rounds whose settlement is not final. */
  unsettled(): Promise<string[]>;
  /**
   * M4, the 12 h rule: true when no settlement of the round was signed and the auditor will sign no result any more.
   * Throws CodedError UNAVAILABLE when the auditor does not answer: then nothing may be given up.
   */
  giveUp(roundId: string): Promise<boolean>;
  /** Somebody says that a transaction of ours changed: whoever looks after it asks the network now. Never throws. */
  onHint(txid: string): void;
  stop(): Promise<void>;
}

const UNMINED_CAP_SATS = 200_000_000;
const AUDITOR_WAIT_MS = 30_000;
const AUDITOR_TIMEOUT_MS = 5_000;
/** With the worker's back-off: several days. The sweep goes on for ever. */
const ATTEMPTS = 10_000;

/** Opens the keystore and greets the auditor. Rejects when the auditor does not answer in time. */
export async function createPaymentService(
  options: PaymentOptions,
  deps: PaymentDeps,
): Promise<PaymentService> {
  const { redis, chain, logger, now } = deps;
  const keystore = await openOperatorKeystore(options.keystore);
  const signReceipt = receiptSigner(keystore);
  const auditor = await greetAuditor(options, deps);
  const keys = {
    operatorKey: keystore.publicKeyOf("operator"),
    auditorKey: auditor.auditorKey,
    auditorHeadKey: auditor.headKey,
    receiptKey: keystore.publicKeyOf("receipt"),
  };
  const { network } = options;
  const { operatorKey, auditorKey, auditorHeadKey, receiptKey } = keys;
  // M6: a rebuild has to know whom to believe; the same keys are put on chain once.
  const published = { network, operatorKey, auditorKey, auditorHeadKey, receiptKey };
  await createRecordQueue(redis).publish(keysJob(published, now()));
  const deposits = new Deposits(
    { unminedCapSats: options.unminedCapSats ?? UNMINED_CAP_SATS },
    { redis, chain, logger, now, sleep: (ms) => delay(ms) },
  );
  const carry = new CarryBook(redis);
  const store = new SettlementStore(redis);
  const desk = createAuditorDesk({ url: options.auditorUrl, timeoutMs: AUDITOR_TIMEOUT_MS });
  const queue = new Queue<SettlementJob>(QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
  queue.on("error", (err) => logger.error({ err }, "the settlement queue is in trouble"));

  return {
    routes: [...walletRoutes(options, { chain }), ...claimRoutes({ desk })],
    keys: () => keys,
    signReceipt,
    feeRate: () => chain.feeRate(),
    acceptDeposit: (terms, who, txHex) => deposits.accept(terms, who, txHex),
    judgeDeposits: (all) => deposits.judge(all),
    async claimCarry(arena, roundId) {
      const coins = await carry.claim(arena, roundId, now());
      return coins.map(({ roundId: from, sats }) => ({ roundId: from, sats }));
    },
    async enqueueSettlement(roundId) {
      if ((await store.view(roundId))?.state === "mined") return;
      await store.open(roundId);
      const backoff = { type: "custom" };
      await queue.add(
        "settle",
        { roundId },
        { jobId: roundId, attempts: ATTEMPTS, backoff, removeOnComplete: 1000 },
      );
    },
    settlementOf: (roundId) => store.view(roundId),
    headOf: (roundId) => latestHead(redis, roundId),
    headsOf: (roundId) => headsOf(redis, roundId),
    ledgerOf: (roundId) => ledgerOf(redis, roundId.slice(0, roundId.lastIndexOf("-")), roundId),
    costOf: (roundId) => costOf(redis, roundId),
    unsettled: () => store.openRounds(),
    async giveUp(roundId) {
      const { closing, reason } = await desk.close(roundId);
      if (!closing) logger.warn({ roundId, reason }, "a round without a settlement is not given up");
      return closing && (await store.giveUp(roundId));
    },
    onHint(txid) {
      redis
        .publish(HINT_CHANNEL, txid)
        .catch((err: unknown) => logger.warn({ err, txid }, "a hint of the network's was lost"));
    },
    stop: () => queue.close(),
  };
}

/** The auditor starts beside us: it may need a moment. */
async function greetAuditor(
  options: PaymentOptions,
  deps: PaymentDeps,
): Promise<{ auditorKey: string; headKey: string }> {
  const client = createAuditorClient({ url: options.auditorUrl, timeoutMs: AUDITOR_TIMEOUT_MS });
  const end = deps.now() + (options.auditorWaitMs ?? AUDITOR_WAIT_MS);
  for (;;) {
    try {
      return await client.keys();
    } catch (error) {
      if (deps.now() >= end) throw error;
      await delay(250);
    }
  }
}
