/**
 * The ledger and everything else of ours on the chain (M5, M6): its public file. Owns: putting the parts together. The
 * payment worker runs a Ledger; others read a round's link and cost and ask for records to be published.
 */
import type { Entry, Network } from "@meme-rounds/shared-schema/records";
import type { ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { HotWallet } from "../hot-wallet.ts";
import { Anchor, type Anchored } from "./anchor.ts";
import type { LedgerKeys } from "./links.ts";
import { Outbox } from "./outbox.ts";
import { type ChainStore, createRecordQueue, memeJobs, Records } from "./records.ts";

export type { Anchored } from "./anchor.ts";
export type { LedgerKeys } from "./links.ts";
export { costOf, countSettlement, type LedgerView, ledgerOf } from "./outbox.ts";
export {
  type ChainStore,
  createRecordQueue,
  keysJob,
  modelJobs,
  profileJob,
  type RecordJob,
  takedownJob,
} from "./records.ts";

export interface LedgerOptions {
  network: Network;
  /** Default `winners`. */
  chainStore?: ChainStore;
  /** Larger files stay off chain, bytes; default 1,000,000. */
  maxFileBytes?: number;
  /** Records made in one sweep at most; default 20. */
  recordsPerSweep?: number;
}

export interface LedgerDeps {
  redis: Redis;
  chain: ChainPort;
  wallet: HotWallet;
  keys: LedgerKeys;
  readJournal(roundId: string): Promise<Entry[]>;
  /** Stored bytes by sha256; undefined when they are gone or taken down. */
  readMedia(sha256: string): Promise<{ bytes: Uint8Array; type: string } | undefined>;
  /** C6: nothing about such a meme is published any more. */
  isTakenDown?(memeId: string): Promise<boolean>;
  /** I4: head of the audit log, hex; zeros where there is none. */
  auditHead?(): Promise<string>;
  logger: Logger;
  now(): number;
  /** Called around every wait of an anchor, so that tests can crash at each. */
  step?(name: string): void;
}

export interface Ledger {
  /**
   * To be waited for before a round's settlement is sent (M5). Undefined when there is nothing to link, and when the
   * ledger has been stuck for an hour. Throws SettleLater while the network has not seen journal and link, FloatEmpty.
   */
  anchor(roundId: string): Promise<Anchored | undefined>;
  /** Links that are due, records that wait, transactions that are not final. To be called every few seconds. */
  sweep(): Promise<void>;
}

const MAX_FILE_BYTES = 1_000_000;
const RECORDS_PER_SWEEP = 20;

export function createLedger(options: LedgerOptions, deps: LedgerDeps): Ledger {
  const { redis, logger } = deps;
  const { network, chainStore = "winners" } = options;
  const outbox = new Outbox(deps);
  const queue = createRecordQueue(redis);
  const records = new Records(
    { network, maxFileBytes: options.maxFileBytes ?? MAX_FILE_BYTES },
    { ...deps, outbox },
  );
  const anchor = new Anchor({
    ...deps,
    network,
    outbox,
    async onClosed(state) {
      for (const job of memeJobs(state, chainStore)) await queue.publish(job);
    },
  });
  return {
    anchor: (roundId) => anchor.anchor(roundId),
    async sweep() {
      for (const roundId of await anchor.due())
        await anchor
          .anchor(roundId)
          .catch((err: unknown) => logger.info({ err, roundId }, "a link is not out yet"));
      await records.drain(options.recordsPerSweep ?? RECORDS_PER_SWEEP);
      await outbox.sweep();
    },
  };
}
