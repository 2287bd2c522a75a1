/**
 * The money path for tests: a real Redis, a devchain over HTTP, an auditor, the payment service, and whole rounds with
 * real deposits and signatures. Owns no assertion.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript, twoKeyScript } from "@meme-rounds/shared-schema/lock";
import { type BodyOf, EMPTY_HEAD, type Entry, seal } from "@meme-rounds/shared-schema/records";
import { openState } from "@meme-rounds/shared-schema/reducer";
import { deadlineOf, defaultRules, roundIdOf } from "@meme-rounds/shared-schema/rules";
import type { Coin } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import { type Actor, actor, REAL, TestRound } from "../../../shared-schema/test/support/round.ts";
import { createDigestSigner, createVerifier } from "../../src/infra/ecdsa.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { createAuditorClient } from "../../src/payment/auditor-client.ts";
import { CarryBook } from "../../src/payment/carry.ts";
import { DepositTxs } from "../../src/payment/deposits/txs.ts";
import { HotWallet } from "../../src/payment/hot-wallet.ts";
import {
  type Auditor,
  createAuditor,
  createPaymentService,
  type DepositTerms,
  type PaymentService,
  publishHead,
} from "../../src/payment/index.ts";
import { openOperatorKeystore } from "../../src/payment/keys.ts";
import { SettlementKeeper } from "../../src/payment/settlement/look-after.ts";
import { type SettleDeps, Settler } from "../../src/payment/settlement/settle.ts";
import { operatorKeys } from "../../src/payment/settlement/sign.ts";
import { SettlementStore } from "../../src/payment/settlement/store.ts";
import { readFrom, readJournal } from "../../src/round/journal-store.ts";
import { type Net, START_MS, startNet } from "../chain/support.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { depositTx, payTx } from "./pay.ts";

const PASSPHRASE = "for tests only";
const COST = 1_024;
const ROUND_MS = 600_000;
const FLOAT_SATS = 100_000;

/** Who deposited what: the player, the coin it had, the deposit's txid. */
export interface Seat {
  who: Actor;
  coin: Coin;
  txid: string;
}
export type MoneyRound = TestRound & { open: BodyOf<"open">; terms: DepositTerms; seats: Seat[] };

/** Who puts in what; the first `memes` players enter a meme each and everybody boosts the next one's. */
export interface Play {
  slot: number;
  players: number;
  memes: number;
  sats?: number;
  boost?: number;
  carryFrom?: { roundId: string; sats: number }[];
  /** How many deposits, from the first, are dropped at the freeze. */
  drop?: number;
  /** The first player's coin comes from an unmined payment of its own. */
  chained?: boolean;
}

export const keystoreOptions = (folder: string) => ({
  path: join(folder, "operator", "keystore.json"),
  passphrase: PASSPHRASE,
  createIfAbsent: true,
  scryptCost: COST,
});

export class World {
  readonly folder: string;
  readonly net: Net;
  readonly testRedis: TestRedis;
  readonly redis: Redis;
  auditor: Auditor;
  readonly payment: PaymentService;
  readonly operatorSecret: Uint8Array;
  readonly store: SettlementStore;
  readonly carry: CarryBook;
  readonly logger = createLogger("test", "silent");
  /** ms; the auditor's clock. */
  now = START_MS + 3_600_000;
  /** Rounds that were told to be settled. */
  readonly told: string[] = [];

  private constructor(
    parts: Pick<World, "folder" | "net" | "testRedis" | "redis" | "auditor" | "payment"> & {
      operatorSecret: Uint8Array;
    },
  ) {
    this.folder = parts.folder;
    this.net = parts.net;
    this.testRedis = parts.testRedis;
    this.redis = parts.redis;
    this.auditor = parts.auditor;
    this.payment = parts.payment;
    this.operatorSecret = parts.operatorSecret;
    this.store = new SettlementStore(parts.redis);
    this.carry = new CarryBook(parts.redis);
  }

  static async start(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "meme-rounds-payment-"));
    const net = await startNet();
    const testRedis = await startRedis();
    const redis = createRedis(testRedis.url);
    const logger = createLogger("test", "silent");
    const held: { world?: World } = {};
    const auditor = await World.startAuditor(folder, net, redis, () => held.world?.now ?? START_MS);
    const keystore = await openOperatorKeystore(keystoreOptions(folder));
    const payment = await createPaymentService(
      {
        network: "devchain",
        keystore: keystoreOptions(folder),
        auditorUrl: auditor.url,
        faucetUrl: net.url,
      },
      { redis, chain: net.port, logger, now: Date.now },
    );
    const operatorSecret = keystore.secretOf("operator");
    held.world = new World({ folder, net, testRedis, redis, auditor, payment, operatorSecret });
    return held.world;
  }

  private static startAuditor(folder: string, net: Net, redis: Redis, now: () => number): Promise<Auditor> {
    return createAuditor(
      {
        network: "devchain",
        port: 0,
        dataDir: folder,
        passphrase: PASSPHRASE,
        createKeys: true,
        scryptCost: COST,
        // It looks when a test tells it to.
        lookMs: 3_600_000,
      },
      {
        chain: net.port,
        readJournal: (roundId) => readJournal(redis, roundId),
        source: {
          liveRounds: () => redis.smembers("mr:unfinished:main"),
          readFrom: (roundId, from, count) => readFrom(redis, roundId, from, count),
          publishHead: (roundId, head, isNew) => publishHead(redis, roundId, head, isNew),
        },
        verify: createVerifier(),
        logger: createLogger("test", "silent"),
        now,
      },
    );
  }

  /** The auditor's process dies and comes back with what it has on disk. */
  async restartAuditor(): Promise<void> {
    await this.auditor.stop();
    this.auditor = await World.startAuditor(this.folder, this.net, this.redis, () => this.now);
  }

  async stop(): Promise<void> {
    await this.payment.stop();
    await this.auditor.stop();
    await this.redis.quit();
    await this.testRedis.close();
    await this.net.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Mined coins of the operator's, sat each. */
  async fill(count = 5, sats = FLOAT_SATS): Promise<void> {
    const address = addressOf(this.payment.keys().operatorKey, "devchain");
    for (let left = count; left > 0; left--)
      await this.net.call(`/dev/faucet?address=${address}&sats=${sats}`);
    await this.mine();
  }

  /** `leave` (txids) stay in the mempool. */
  async mine(blocks = 1, leave: readonly string[] = []): Promise<void> {
    const body = JSON.stringify({ blocks, leave });
    const answer = await this.net.call("/dev/mine", { method: "POST", body });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** Another spend of a deposit's coin takes its place in the mempool; the next block kills the deposit. */
  async kill({ who, coin }: Seat): Promise<string> {
    const script = p2pkhScript(actor("thief").playKey);
    const { rawHex } = payTx(who, coin, [{ sats: coin.sats - 100, script }]);
    const body = JSON.stringify({ tx: rawHex, force: true });
    const answer = await this.net.call("/dev/submit", { method: "POST", body });
    if (!answer.ok) throw new Error(await answer.text());
    return z.object({ txid: z.string() }).parse(await answer.json()).txid;
  }

  wallet(): HotWallet {
    const { operatorKey } = this.payment.keys();
    return new HotWallet(
      { network: "devchain", lowSats: FLOAT_SATS, capSats: 100 * FLOAT_SATS },
      { redis: this.redis, chain: this.net.port, operatorKeys: () => [operatorKey], logger: this.logger },
    );
  }

  settler(patch: Partial<SettleDeps> = {}): Settler {
    const { operatorKey } = this.payment.keys();
    const sign = createDigestSigner();
    return new Settler({
      chain: this.net.port,
      store: this.store,
      carry: this.carry,
      wallet: this.wallet(),
      auditor: createAuditorClient({ url: this.auditor.url, timeoutMs: 20_000 }),
      keysOf: (roundKey) => operatorKeys(roundKey, [operatorKey], () => this.operatorSecret, sign),
      readJournal: (roundId) => readJournal(this.redis, roundId),
      depositTx: (txid) => new DepositTxs(this.redis).get(txid),
      onSettled: async (roundId) => {
        this.told.push(roundId);
      },
      logger: this.logger,
      ...patch,
    });
  }

  /** What the worker's sweep does for one round. */
  keeper(patch: Partial<SettleDeps> = {}): SettlementKeeper {
    return new SettlementKeeper({
      chain: this.net.port,
      store: this.store,
      wallet: this.wallet(),
      settler: this.settler(patch),
      depositTx: (txid) => new DepositTxs(this.redis).get(txid),
      logger: this.logger,
      now: () => this.now,
      ...(patch.step ? { step: patch.step } : {}),
    });
  }

  /** A faucet coin of the player's. */
  async coin(who: Actor, sats: number): Promise<Coin> {
    const address = addressOf(who.playKey, "devchain");
    const answer = await this.net.call(`/dev/faucet?address=${address}&sats=${sats}`);
    return z.object({ txid: z.string(), vout: z.number(), sats: z.number() }).parse(await answer.json());
  }

  /** A coin that the player has paid to itself. */
  async ownCoin(who: Actor, sats: number): Promise<Coin> {
    const { rawHex } = payTx(who, await this.coin(who, sats + 100), []);
    const { txid } = await this.net.port.broadcast({ rawHex });
    return { txid, vout: 0, sats };
  }

  /** A coin of the operator's making, with a carry's lock and amount. */
  async lookalike(keys: { operatorKey: string; auditorKey: string }, sats: number): Promise<Coin> {
    const operator = { ...actor("operator"), secret: this.operatorSecret, playKey: keys.operatorKey };
    const script = twoKeyScript(keys.operatorKey, keys.auditorKey);
    const { rawHex } = payTx(operator, await this.coin(operator, sats + 1_000), [{ sats, script }]);
    const { txid } = await this.net.port.broadcast({ rawHex });
    return { txid, vout: 0, sats };
  }

  /** sat that the network holds for a key at this moment. */
  async balance(publicKey: string): Promise<number> {
    const utxos = await this.net.port.utxosOfAddress(addressOf(publicKey, "devchain"));
    return utxos.reduce((sum, { sats }) => sum + sats, 0);
  }

  /** Record 1 of a round in a slot, not stored yet. */
  round(slot: number, carryFrom: { roundId: string; sats: number }[] = []): MoneyRound {
    const opensAt = START_MS + slot * ROUND_MS;
    const { operatorKey, auditorKey, receiptKey } = this.payment.keys();
    const rules = defaultRules(ROUND_MS / 1000, 100);
    const closesAt = opensAt + rules.roundMs;
    const roundId = roundIdOf("main", opensAt);
    const open: BodyOf<"open"> = {
      network: "devchain",
      arena: "main",
      roundId,
      rules,
      operatorKey,
      auditorKey,
      receiptKey,
      carryFrom,
      opensAt,
      blindAt: closesAt - rules.blindMs,
      closesAt,
    };
    const first = seal(EMPTY_HEAD, opensAt, { kind: "open", body: open });
    const terms: DepositTerms = {
      network: "devchain",
      roundId,
      operatorKey,
      auditorKey,
      deadline: deadlineOf(rules, closesAt),
      minDepositSats: rules.minDepositSats,
      maxDepositSats: rules.maxDepositSats,
    };
    const base = new TestRound({ signer: REAL });
    const state = openState(first);
    return Object.assign(base, { entries: [first], state, now: opensAt, open, terms, seats: [] });
  }

  async keep(roundId: string, entries: readonly Entry[]): Promise<void> {
    await this.redis.del(`mr:journal:${roundId}`);
    const all = this.redis.pipeline();
    for (const entry of entries)
      all.xadd(`mr:journal:${roundId}`, `${entry.record.seq}-0`, "e", JSON.stringify(entry));
    await all.exec();
  }

  /** Plays a round to its end with real deposits and stores its journal. */
  async play(options: Play): Promise<MoneyRound> {
    const { slot, players, memes, sats = 10_000, boost = 1_000, drop = 0 } = options;
    const round = this.round(slot, options.carryFrom);
    const dropped: string[] = [];
    const cast = Array.from({ length: players }, (_, at) => actor(`s${slot}p${at}`));
    for (const [at, who] of cast.entries()) {
      const isChained = options.chained === true && at === 0;
      const coin = await (isChained ? this.ownCoin(who, sats + 2_000) : this.coin(who, sats + 2_000));
      const tx = depositTx(who, coin, sats, round.terms).rawHex;
      const verdict = await this.payment.acceptDeposit(round.terms, who, tx);
      if (verdict.ok !== true) throw new Error(`deposit ${at}: ${JSON.stringify(verdict)}`);
      const { playKey, identity } = who;
      round.must({ kind: "deposit", playKey, identity, txid: verdict.txid, vout: 0, sats });
      round.seats.push({ who, coin, txid: verdict.txid });
      if (at < drop) dropped.push(`${verdict.txid}:0`);
    }
    for (const [at, who] of cast.slice(0, memes).entries()) round.must(round.enter(who, `m${slot}-${at}`));
    if (memes > 0 && boost > 0)
      for (const [at, who] of cast.entries())
        round.at(1_000 * (at + 1)).must(round.boost(who, `m${slot}-${(at + 1) % memes}`, boost + at));
    round.end(dropped);
    this.now = Math.max(this.now, round.now);
    await this.keep(round.open.roundId, round.entries);
    return round;
  }
}
