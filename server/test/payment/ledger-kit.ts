/**
 * The ledger for tests: a real Redis, a devchain over HTTP, a wallet with coins, and rounds as the rules make them, with
 * deposits that only the journal knows. Owns no assertion.
 */
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { type BodyOf, EMPTY_HEAD, type Entry, seal } from "@meme-rounds/shared-schema/records";
import { openState } from "@meme-rounds/shared-schema/reducer";
import { roundIdOf } from "@meme-rounds/shared-schema/rules";
import { actor, openBody, REAL, TestRound } from "../../../shared-schema/test/support/round.ts";
import type { ChainPort } from "../../src/chain/index.ts";
import { createDigestSigner } from "../../src/infra/ecdsa.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { HotWallet } from "../../src/payment/hot-wallet.ts";
import {
  createLedger,
  type Ledger,
  type LedgerDeps,
  type LedgerOptions,
} from "../../src/payment/ledger/index.ts";
import { readTransaction } from "../../src/payment/transaction.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { type Net, START_MS, startNet } from "../chain/support.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const ROUND_MS = 600_000;
const COIN_SATS = 200_000;

const secretOf = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);

export class LedgerWorld {
  readonly net: Net;
  readonly testRedis: TestRedis;
  readonly redis: Redis;
  readonly media = new Map<string, { bytes: Uint8Array; type: string }>();
  /** The operator's keys, the current one last: publicKey -> secret. */
  readonly keys = new Map<string, Uint8Array>();
  /** ms. */
  now = START_MS;

  private constructor(net: Net, testRedis: TestRedis) {
    this.net = net;
    this.testRedis = testRedis;
    this.redis = createRedis(testRedis.url);
  }

  static async start(): Promise<LedgerWorld> {
    const world = new LedgerWorld(await startNet(), await startRedis());
    await world.mine();
    await world.reset();
    return world;
  }

  /** Another devchain state is not needed: an empty Redis and a key of its own are a new operator. */
  async reset(seed = 1): Promise<void> {
    await this.redis.flushall();
    this.keys.clear();
    this.media.clear();
    this.now = START_MS;
    this.addKey(seed);
  }

  async stop(): Promise<void> {
    await this.redis.quit();
    await this.testRedis.close();
    await this.net.close();
  }

  addKey(seed: number): string {
    const secret = secretOf(seed);
    const key = publicKeyOf(secret);
    this.keys.set(key, secret);
    return key;
  }

  currentKey(): string {
    return [...this.keys.keys()].at(-1) ?? "";
  }

  /** Mined coins of the current key. */
  async fill(count = 10, sats = COIN_SATS): Promise<void> {
    const address = addressOf(this.currentKey(), "devchain");
    for (let left = count; left > 0; left--) {
      const { ok, status } = await this.net.call(`/dev/faucet?address=${address}&sats=${sats}`);
      if (!ok) throw new Error(`the faucet answered ${status}`);
    }
    await this.mine();
  }

  async mine(blocks = 1): Promise<void> {
    await this.net.call(`/dev/mine?blocks=${blocks}`, { method: "POST" });
  }

  wallet(): HotWallet {
    return new HotWallet(
      { network: "devchain", lowSats: 0, capSats: Number.MAX_SAFE_INTEGER },
      {
        redis: this.redis,
        chain: this.net.port,
        operatorKeys: () => [...this.keys.keys()],
        logger: createLogger("test", "silent"),
      },
    );
  }

  ledger(patch: Partial<LedgerDeps & LedgerOptions> = {}): Ledger {
    const sign = createDigestSigner();
    const forKey = (key: string) => {
      const secret = this.keys.get(key);
      if (secret === undefined) throw new Error(`no key ${key}`);
      return { secret, sign };
    };
    const { chainStore, maxFileBytes } = patch;
    return createLedger(
      {
        network: "devchain",
        ...(chainStore === undefined ? {} : { chainStore }),
        ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
      },
      {
        redis: this.redis,
        chain: this.net.port,
        wallet: this.wallet(),
        keys: {
          current: () => this.currentKey(),
          forKey,
          forScript: (script) =>
            forKey([...this.keys.keys()].find((key) => p2pkhScript(key) === script) ?? ""),
        },
        readJournal: (roundId) => readJournal(this.redis, roundId),
        readMedia: async (sha256) => this.media.get(sha256),
        logger: createLogger("test", "silent"),
        now: () => this.now,
        ...patch,
      },
    );
  }

  /** A port whose answers a test may bend. */
  port(patch: Partial<ChainPort>): ChainPort {
    return { ...this.net.port, ...patch };
  }

  private begin(slot: number): TestRound {
    const base = new TestRound({ signer: REAL });
    const opensAt = START_MS + slot * ROUND_MS;
    const body: BodyOf<"open"> = {
      ...openBody(base.state.open.rules, 0, opensAt),
      roundId: roundIdOf("main", opensAt),
      operatorKey: this.currentKey(),
    };
    const first = seal(EMPTY_HEAD, opensAt, { kind: "open", body });
    return Object.assign(base, { entries: [first], state: openState(first), now: opensAt });
  }

  /** A finished round with `players` players, of which all enter a meme and boost the next one's. */
  async play(slot: number, players = 3): Promise<TestRound> {
    const round = this.begin(slot);
    const cast = Array.from({ length: players }, (_, at) => actor(`p${at}`));
    for (const who of cast) round.must(round.deposit(who, 20_000, `${slot} ${who.playKey}`));
    for (const [at, who] of cast.entries()) round.must(round.enter(who, `m${slot}-${at}`));
    if (players > 1)
      for (const [at, who] of cast.entries())
        round.at(1_000 * (at + 1)).must(round.boost(who, `m${slot}-${(at + 1) % players}`, 1_000 + at));
    round.end();
    await this.keep(round);
    return round;
  }

  async keep(round: TestRound): Promise<void> {
    const key = `mr:journal:${round.state.open.roundId}`;
    await this.redis.del(key);
    for (const entry of round.entries as Entry[])
      await this.redis.xadd(key, `${entry.record.seq}-0`, "e", JSON.stringify(entry));
  }

  /** A transaction as the network has it. */
  async tx(txid: string) {
    const raw = await this.net.port.rawTx(txid);
    const tx = raw === undefined ? undefined : readTransaction(raw);
    if (tx === undefined) throw new Error(`the network does not have ${txid}`);
    return tx;
  }

  /** Every transaction that pays or spends the operator's coins, faucet payments left out. */
  async made(): Promise<string[]> {
    const found = new Set<string>();
    for (const key of this.keys.keys())
      for (const { txid } of await this.net.port.historyOfAddress(addressOf(key, "devchain")))
        found.add(txid);
    const made: string[] = [];
    for (const txid of found)
      if ((await this.tx(txid)).outputs.some(({ script }) => script.startsWith("006a"))) made.push(txid);
    return made;
  }
}
