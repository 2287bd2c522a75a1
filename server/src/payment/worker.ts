/**
 * The settlement worker: a process that pays closed rounds out (M3). Owns: the BullMQ queue `settlement`, back-off,
 * the sweep over rounds that are not done. Does not own: one settlement's steps (settlement/settle.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Entry, Network } from "@meme-rounds/shared-schema/records";
import { UnrecoverableError, Worker } from "bullmq";
import { type ChainPort, createCallbackHub, createDevFaucet } from "../chain/index.ts";
import { createDigestSigner } from "../infra/ecdsa.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";
import { createAuditorClient } from "./auditor-client.ts";
import { CarryBook } from "./carry.ts";
import { DepositTxs } from "./deposits/txs.ts";
import { Hints } from "./hints.ts";
import { FloatEmpty, HotWallet } from "./hot-wallet.ts";
import { type KeystoreOptions, openOperatorKeystore } from "./keys.ts";
import { Lanes } from "./lanes.ts";
import { type ChainStore, countSettlement, createLedger } from "./ledger/index.ts";
import { QUEUE, QUEUE_PREFIX, SETTLED_CHANNEL, type SettlementJob } from "./queue.ts";
import { SettlementAlarms } from "./settlement/alarms.ts";
import { SettlementKeeper } from "./settlement/look-after.ts";
import { SettleLater, Settler } from "./settlement/settle.ts";
import { operatorKeys } from "./settlement/sign.ts";
import { SettlementStore } from "./settlement/store.ts";
import { AuditorRefusal } from "./wire.ts";

export interface SettlementWorkerOptions {
  network: Network;
  keystore: KeystoreOptions;
  auditorUrl: string;
  /** The devchain's base URL, for its faucet; ignored on other networks. */
  faucetUrl?: string;
  /** Below this many free sat the operator's float is low. Default 1,000,000. */
  floatLowSats?: number;
  /** Above this many sat in all the hot wallet holds too much. Default 100,000,000. */
  floatCapSats?: number;
  /** Pre-split coins, and sat of each. Default 50 of 100,000. */
  lanes?: number;
  laneSats?: number;
  /** M6: how much goes on chain beside journals. Default `winners`. */
  chainStore?: ChainStore;
  /** ms between sweeps over rounds that are not done; default 5,000. */
  sweepMs?: number;
}

export interface SettlementWorkerDeps {
  redis: Redis;
  /** A connection of its own: BullMQ blocks on it. */
  queueRedis: Redis;
  chain: ChainPort;
  readJournal(roundId: string): Promise<Entry[]>;
  /** Stored bytes by sha256; undefined when they are gone or taken down. Absent: no files go on chain. */
  readMedia?(sha256: string): Promise<{ bytes: Uint8Array; type: string } | undefined>;
  /** C6: nothing about such a meme is published any more. Absent: there are none. */
  isTakenDown?(memeId: string): Promise<boolean>;
  /** I4: head of the audit log, hex. Absent: links hold zeros. */
  auditHead?(): Promise<string>;
  logger: Logger;
  now(): number;
}

export interface SettlementWorker {
  /** Looks after every round that is not done, once; also runs by itself every `sweepMs`. */
  sweep(): Promise<void>;
  /** Finishes the job in hand, then stops. */
  stop(): Promise<void>;
}

const FLOAT_LOW_SATS = 1_000_000;
const FLOAT_CAP_SATS = 100_000_000;
const LANES = 50;
const LANE_SATS = 100_000;
const SWEEP_MS = 5_000;
/** ms; the auditor reads one transaction per deposit. */
const AUDITOR_TIMEOUT_MS = 120_000;
/** ms; a sign of life. */
const PULSE_TIMEOUT_MS = 3_000;
const FAUCET_TIMEOUT_MS = 10_000;
const LOCK_MS = 120_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** ms the sweep leaves a round alone after a failure; doubles with each. */
const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 600_000;

/** Refusals that end by themselves within moments. */
const isPassing = ({ code }: AuditorRefusal): boolean =>
  code === "UNAVAILABLE" || code === "JOURNAL_UNFINISHED";

/** Nothing is wrong: the same again in a moment. */
const isWaiting = (error: unknown): boolean =>
  error instanceof SettleLater ||
  error instanceof FloatEmpty ||
  (error instanceof AuditorRefusal && isPassing(error));

/** Starts settling. Rejects when the keystore cannot be opened. */
export async function createSettlementWorker(
  options: SettlementWorkerOptions,
  deps: SettlementWorkerDeps,
): Promise<SettlementWorker> {
  const { redis, chain, readJournal, logger, now } = deps;
  const { network, faucetUrl } = options;
  const keystore = await openOperatorKeystore(options.keystore);
  const publicKeys = keystore.generations("operator").map(({ publicKey }) => publicKey);
  const sign = createDigestSigner();
  const keysOf = (roundKey: string) =>
    operatorKeys(roundKey, publicKeys, (key) => keystore.secretFor(key), sign);
  const store = new SettlementStore(redis);
  const carry = new CarryBook(redis);
  const txs = new DepositTxs(redis);
  const depositTx = (txid: string) => txs.get(txid);
  const wallet = new HotWallet(
    {
      network,
      lowSats: options.floatLowSats ?? FLOAT_LOW_SATS,
      capSats: options.floatCapSats ?? FLOAT_CAP_SATS,
    },
    { redis, chain, operatorKeys: () => publicKeys, logger },
  );
  const lanes = new Lanes(
    { lanes: options.lanes ?? LANES, laneSats: options.laneSats ?? LANE_SATS },
    {
      redis,
      chain,
      wallet,
      forScript: keysOf(wallet.currentKey()).forScript,
      ...(network === "devchain" && faucetUrl !== undefined
        ? { faucet: createDevFaucet({ url: faucetUrl, timeoutMs: FAUCET_TIMEOUT_MS }) }
        : {}),
      logger,
    },
  );
  const ledger = createLedger(
    { network, ...(options.chainStore ? { chainStore: options.chainStore } : {}) },
    {
      ...deps,
      readMedia: async (sha256) => await deps.readMedia?.(sha256),
      wallet,
      keys: {
        current: () => wallet.currentKey(),
        forKey: (key) => ({ secret: keystore.secretFor(key), sign }),
        forScript: keysOf(wallet.currentKey()).forScript,
      },
    },
  );
  const settler = new Settler({
    anchor: async (roundId) => void (await ledger.anchor(roundId)),
    onSent: (roundId, cost) => countSettlement(redis, roundId, cost),
    chain,
    store,
    carry,
    wallet,
    auditor: createAuditorClient({ url: options.auditorUrl, timeoutMs: AUDITOR_TIMEOUT_MS }),
    keysOf,
    readJournal,
    depositTx,
    onSettled: async (roundId) => {
      await redis.publish(SETTLED_CHANNEL, JSON.stringify({ roundId }));
    },
    logger,
  });
  const keeper = new SettlementKeeper({ chain, store, wallet, settler, depositTx, logger, now });
  const pulse = createAuditorClient({ url: options.auditorUrl, timeoutMs: PULSE_TIMEOUT_MS });
  const alarms = new SettlementAlarms({ store, readJournal, auditor: pulse, logger, now });

  const run = async (job: { data: SettlementJob }): Promise<void> => {
    try {
      await keeper.lookAfter(job.data.roundId);
    } catch (err) {
      // A dispute is looked at again by the sweep, ever more rarely: judging a round costs the auditor a lot.
      if (err instanceof AuditorRefusal && !isPassing(err)) throw new UnrecoverableError(err.message);
      throw err;
    }
  };
  const worker = new Worker<SettlementJob>(QUEUE, run, {
    connection: deps.queueRedis,
    prefix: QUEUE_PREFIX,
    concurrency: 2,
    // Signing for 10,000 players holds the event loop for seconds; the lock must outlive that.
    lockDuration: LOCK_MS,
    settings: {
      backoffStrategy: (attempts) => Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 10)),
    },
  });
  worker.on("failed", (job, err) => {
    const roundId = job?.data.roundId;
    if (isWaiting(err)) logger.info({ roundId, reason: err.message }, "settlement waits");
    else if (err instanceof UnrecoverableError)
      logger.error({ roundId, reason: err.message }, "the auditor refuses a settlement");
    else logger.error({ roundId, err }, "a settlement failed");
  });
  worker.on("error", (err) => logger.error({ err }, "the settlement queue is in trouble"));

  const resting = new Map<string, { fails: number; until: number }>();
  let wake = new AbortController();
  const hints = new Hints({
    redis: redis.duplicate(),
    hub: createCallbackHub(chain, { logger }),
    onChange(roundId) {
      resting.delete(roundId);
      wake.abort();
    },
  });
  await hints.start();
  const sweep = async (): Promise<void> => {
    await lanes
      .keepUp()
      .catch((err: unknown) => logger.error({ err }, "the operator's coins are not looked after"));
    const open = await store.openRounds();
    const followed = new Map<string, string>();
    for (const roundId of open)
      for (const txid of (await store.view(roundId))?.txids ?? []) followed.set(txid, roundId);
    hints.follow(followed);
    for (const roundId of open) {
      const rest = resting.get(roundId) ?? { fails: 0, until: 0 };
      if (rest.until > deps.now()) continue;
      try {
        await keeper.lookAfter(roundId);
        resting.delete(roundId);
      } catch (err) {
        logger.warn({ err, roundId }, "a round is not settled yet");
        const fails = isWaiting(err) ? 0 : rest.fails;
        const pause = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** fails);
        resting.set(roundId, { fails: fails + 1, until: deps.now() + pause });
      }
    }
    await ledger.sweep().catch((err: unknown) => logger.error({ err }, "the ledger is not looked after"));
    await alarms.sweep();
    await carry.freeAbandoned(deps.now(), async (roundId) => (await readJournal(roundId)).length > 0);
  };

  const ending = new AbortController();
  const sweeping = (async () => {
    while (!ending.signal.aborted) {
      await sweep().catch((err: unknown) => logger.error({ err }, "the settlement sweep failed"));
      wake = new AbortController();
      const signal = AbortSignal.any([ending.signal, wake.signal]);
      await delay(options.sweepMs ?? SWEEP_MS, undefined, { signal }).catch(() => undefined);
    }
  })();

  return {
    sweep,
    async stop() {
      ending.abort();
      await worker.close();
      await sweeping;
      await hints.stop();
    },
  };
}
