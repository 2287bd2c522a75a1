/**
 * Settlements in Redis (M3). Owns: `mr:settlement:*`, the write-ahead of plans and signed bytes. Does not own: making
 * any of it, or the operator's coins (hot-wallet.ts). What is stored first stands: a second plan of the same version,
 * or other bytes, are answered with the first, so that retries and two workers at once come to the same transactions.
 *
 * `mr:settlement:<roundId>` is a hash: state planned | signed | sent | mined, version, plan (JSON), txs (JSON: txid,
 * rawHex, efHex of each), txids (JSON), payouts (JSON), carry (JSON), payoutHash, refusal, told, before (JSON: these
 * fields of the version before, until this one is signed); plan and txs go when it is final. `mr:settlement:open` is the
 * set of rounds that are not final.
 */
import { settledPayoutSchema } from "@meme-rounds/shared-schema/messages";
import type { CarryCoin, SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import { type Redis, runScript, script } from "../../infra/redis.ts";
import { planSchema } from "../wire.ts";
import type { SignedTx } from "./sign.ts";

const settlementKey = (roundId: string): string => `mr:settlement:${roundId}`;
const OPEN = "mr:settlement:open";

const states = ["planned", "signed", "sent", "mined"] as const;
export type SettlementState = (typeof states)[number];
const payoutsSchema = z.array(settledPayoutSchema);
export type SettledPayout = z.infer<typeof settledPayoutSchema>;
const carrySchema = z.object({
  roundId: z.string(),
  txid: z.string(),
  vout: z.number(),
  sats: z.number(),
  script: z.string().optional(),
  auditorKey: z.string().optional(),
});
const txsSchema = z.array(z.object({ txid: z.string(), rawHex: z.string(), efHex: z.string() }));
const txidsSchema = z.array(z.string());

/** A settlement as stored; the signed part is absent while only planned. */
export interface StoredSettlement {
  state: SettlementState;
  /** Absent when there was nothing to settle, and once final. */
  plan?: SettlementPlan;
  /** The bytes to send, in order; absent once final. */
  signed?: SignedTx[];
  /** Of all its transactions, once signed. */
  txids: string[];
  payouts: SettledPayout[];
  /** The coin of this round's own carry. */
  carry?: CarryCoin;
  /** What the auditor or the network said last, when it was no. */
  refusal?: string;
  /** Everybody who waits for it has been told of these transactions. */
  told: boolean;
}

/** What players and admins are shown of it. */
export interface SettlementView {
  state: SettlementState;
  txids: string[];
  payouts: SettledPayout[];
  /** What the auditor or the network said last, when it was no (M4: a dispute, for admins). */
  refusal?: string;
}

/**
 * KEYS settlement, open. ARGV roundId, plan, version. Stores the plan when its version is the next one; what there was of
 * the version before is put aside. Returns the plan that stands.
 */
const PLAN = script(
  "settlement.plan",
  `local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
   if version >= tonumber(ARGV[3]) then return redis.call('HGET', KEYS[1], 'plan') end
   local before = {}
   for _, name in ipairs({'state', 'version', 'plan', 'txids', 'txs', 'payouts', 'carry', 'payoutHash', 'told'}) do
     local value = redis.call('HGET', KEYS[1], name)
     if value then before[name] = value end
   end
   if version > 0 then redis.call('HSET', KEYS[1], 'before', cjson.encode(before)) end
   redis.call('HDEL', KEYS[1], 'txs', 'txids', 'told')
   redis.call('HSET', KEYS[1], 'state', 'planned', 'version', ARGV[3], 'plan', ARGV[2])
   redis.call('SADD', KEYS[2], ARGV[1])
   return ARGV[2]`,
);
/** KEYS settlement. ARGV version. Brings the version before back, where nothing was signed of this one. Returns 0 or 1. */
const UNPLAN = script(
  "settlement.unplan",
  `if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
   local before = redis.call('HGET', KEYS[1], 'before')
   if not before or redis.call('HEXISTS', KEYS[1], 'txids') == 1 then return 0 end
   redis.call('HDEL', KEYS[1], 'before', 'refusal')
   for name, value in pairs(cjson.decode(before)) do redis.call('HSET', KEYS[1], name, value) end
   return 1`,
);
/**
 * KEYS settlement. ARGV version, txids, txs, payouts, carry, payoutHash, txids that these may replace or '[]'. The
 * write-ahead: nothing is sent before this. Returns the txids that stand, or nil when another version is planned by now.
 */
const SIGN = script(
  "settlement.sign",
  `if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return nil end
   local had = redis.call('HGET', KEYS[1], 'txids')
   if had and had ~= ARGV[7] then return had end
   redis.call('HSET', KEYS[1], 'state', 'signed', 'txids', ARGV[2], 'txs', ARGV[3],
     'payouts', ARGV[4], 'carry', ARGV[5], 'payoutHash', ARGV[6])
   redis.call('HDEL', KEYS[1], 'refusal', 'before', 'told')
   return ARGV[2]`,
);
/** KEYS settlement. ARGV state. Only where bytes are stored: what is final stays so. */
const STATE = script(
  "settlement.state",
  `if redis.call('HEXISTS', KEYS[1], 'txs') == 1 then redis.call('HSET', KEYS[1], 'state', ARGV[1]) end
   redis.call('HDEL', KEYS[1], 'refusal')
   return 1`,
);
/** KEYS settlement, open. ARGV roundId. Ends it: the chain has the bytes, nobody looks after it any more. */
const FINAL = script(
  "settlement.final",
  `redis.call('HSET', KEYS[1], 'state', 'mined')
   redis.call('HDEL', KEYS[1], 'plan', 'txs', 'refusal')
   redis.call('SREM', KEYS[2], ARGV[1])
   return 1`,
);

/** The same where nothing is paid at all: what a former plan would have paid is not shown any more. */
const NOTHING = script(
  "settlement.nothing",
  `redis.call('HSET', KEYS[1], 'state', 'mined')
   redis.call('HDEL', KEYS[1], 'plan', 'txs', 'txids', 'payouts', 'carry', 'refusal', 'told', 'before')
   redis.call('SREM', KEYS[2], ARGV[1])
   return 1`,
);

/**
 * KEYS settlement. M4, the 12 h rule: forgets a first plan that nothing was signed of, so that full returns can be
 * planned. Returns 0 where bytes were ever signed.
 */
const GIVE_UP = script(
  "settlement.give-up",
  `if redis.call('HEXISTS', KEYS[1], 'txids') == 1 or redis.call('HEXISTS', KEYS[1], 'replaced') == 1 then return 0 end
   if redis.call('HGET', KEYS[1], 'state') == 'mined' then return 0 end
   redis.call('HDEL', KEYS[1], 'state', 'version', 'plan', 'refusal')
   return 1`,
);

const parsed = <T>(schema: z.ZodType<T>, text: string | null | undefined, otherwise: T): T =>
  text ? schema.parse(JSON.parse(text)) : otherwise;

export class SettlementStore {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async read(roundId: string): Promise<StoredSettlement | undefined> {
    const fields = await this.redis.hgetall(settlementKey(roundId));
    const state = states.find((one) => one === fields.state);
    if (state === undefined) return undefined;
    const { plan, txs, txids, payouts, carry, refusal } = fields;
    return {
      state,
      ...(plan ? { plan: planSchema.parse(JSON.parse(plan)) } : {}),
      ...(txs ? { signed: txsSchema.parse(JSON.parse(txs)) } : {}),
      txids: parsed(txidsSchema, txids, []),
      payouts: parsed(payoutsSchema, payouts, []),
      ...(carry ? { carry: carrySchema.parse(JSON.parse(carry)) } : {}),
      ...(refusal ? { refusal } : {}),
      told: fields.told === "1",
    };
  }

  /** The outcome alone: asked for often, so the plan's megabytes stay where they are. */
  async view(roundId: string): Promise<SettlementView | undefined> {
    const fields = ["state", "txids", "payouts", "refusal"] as const;
    const [found, txids, payouts, refusal] = await this.redis.hmget(settlementKey(roundId), ...fields);
    const state = states.find((one) => one === found);
    if (state === undefined) return undefined;
    return {
      state,
      txids: parsed(txidsSchema, txids, []),
      payouts: parsed(payoutsSchema, payouts, []),
      ...(refusal ? { refusal } : {}),
    };
  }

  /** The round has to be settled; from here on the sweep knows of it, whatever becomes of its job. */
  async open(roundId: string): Promise<void> {
    await this.redis.sadd(OPEN, roundId);
  }

  openRounds(): Promise<string[]> {
    return this.redis.smembers(OPEN);
  }

  /** The plan that stands for the round at this version. */
  async plan(plan: SettlementPlan): Promise<SettlementPlan> {
    const args = [plan.roundId, JSON.stringify(plan), plan.version];
    const stands = await runScript(this.redis, PLAN, [settlementKey(plan.roundId), OPEN], args);
    return planSchema.parse(JSON.parse(String(stands)));
  }

  /** Takes back a version of which nothing was signed; false where it stands, or there was none before it. */
  async unplan({ roundId, version }: SettlementPlan): Promise<boolean> {
    return Number(await runScript(this.redis, UNPLAN, [settlementKey(roundId)], [String(version)])) === 1;
  }

  /**
   * Write-ahead of the signed bytes, in place of those with the txids `before`, if any. Throws when other bytes stand
   * there: then something is broken.
   */
  async sign(
    plan: SettlementPlan,
    signed: readonly SignedTx[],
    owed: { payouts: SettledPayout[]; carry: CarryCoin | undefined; payoutHash: string },
    before: readonly string[] = [],
  ): Promise<void> {
    const txids = JSON.stringify(signed.map(({ txid }) => txid));
    const carry = owed.carry === undefined ? "" : JSON.stringify(owed.carry);
    const args = [
      String(plan.version),
      txids,
      JSON.stringify(signed),
      JSON.stringify(owed.payouts),
      carry,
      owed.payoutHash,
      JSON.stringify(before),
    ];
    const stands = await runScript(this.redis, SIGN, [settlementKey(plan.roundId)], args);
    if (stands !== txids)
      throw new Error(`round ${plan.roundId} has settlement ${String(stands)} already, not ${txids}`);
  }

  /** Every transaction was seen; also of a mined one that a reorganisation brought back. */
  async sent(roundId: string): Promise<void> {
    await runScript(this.redis, STATE, [settlementKey(roundId)], ["sent"]);
  }

  /** One of them is on no node any more: it has to be sent again. */
  async unsent(roundId: string): Promise<void> {
    await runScript(this.redis, STATE, [settlementKey(roundId)], ["signed"]);
  }

  async told(roundId: string): Promise<void> {
    await this.redis.hset(settlementKey(roundId), "told", "1");
  }

  /** All in blocks. */
  async mined(roundId: string): Promise<void> {
    await runScript(this.redis, STATE, [settlementKey(roundId)], ["mined"]);
  }

  /** M4: forgets a plan that was never signed; false when the round's settlement was, and stands. */
  async giveUp(roundId: string): Promise<boolean> {
    return Number(await runScript(this.redis, GIVE_UP, [settlementKey(roundId)], [])) === 1;
  }

  /** No deposit is left to pay anybody from. */
  async nothing(roundId: string): Promise<void> {
    await runScript(this.redis, NOTHING, [settlementKey(roundId), OPEN], [roundId]);
  }

  /** M5: deep enough that no reorganisation is expected. */
  async final(roundId: string): Promise<void> {
    await runScript(this.redis, FINAL, [settlementKey(roundId), OPEN], [roundId]);
  }

  /** M6: a final settlement as a rebuild found it on the chain. */
  async restore(roundId: string, done: Pick<StoredSettlement, "txids" | "payouts" | "carry">): Promise<void> {
    await this.redis.hset(settlementKey(roundId), {
      state: "mined",
      version: 1,
      txids: JSON.stringify(done.txids),
      payouts: JSON.stringify(done.payouts),
      carry: done.carry === undefined ? "" : JSON.stringify(done.carry),
    });
  }

  /** Shown to admins as the reason of a dispute (M4). */
  async refused(roundId: string, reason: string): Promise<void> {
    await this.redis.hset(settlementKey(roundId), "refusal", reason);
  }
}
