/**
 * Settlements in Redis (M3). Owns: `mr:settlement:*`, the reservation of operator coins, the write-ahead of signed
 * bytes. Does not own: making any of it. What is stored first stands: a second plan or signature for a round is
 * answered with the first, so that retries and two workers at once come to the same transaction.
 *
 * `mr:settlement:<roundId>` is a hash: state planned | signed | sent | mined, plan (JSON), txid, raw, ef,
 * payouts (JSON), carry (JSON), payoutHash, refusal; plan, raw and ef go when it is final. `mr:settlement:open` is
 * the set of rounds that are not final; `mr:settlement:reserved` maps the outpoint of an operator coin to the round it is kept for.
 */
import { settledPayoutSchema } from "@meme-rounds/shared-schema/messages";
import type { CarryCoin, SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import { type Redis, runScript, script } from "../../infra/redis.ts";
import { outpointText, planSchema } from "../wire.ts";
import type { SignedSettlement } from "./sign.ts";

const settlementKey = (roundId: string): string => `mr:settlement:${roundId}`;
const RESERVED = "mr:settlement:reserved";
const OPEN = "mr:settlement:open";

const states = ["planned", "signed", "sent", "mined"] as const;
export type SettlementState = (typeof states)[number];
const payoutsSchema = z.array(settledPayoutSchema);
export type SettledPayout = z.infer<typeof settledPayoutSchema>;
const carrySchema = z.object({ roundId: z.string(), txid: z.string(), vout: z.number(), sats: z.number() });

/** A settlement as stored; the signed part is absent while only planned. */
export interface StoredSettlement {
  state: SettlementState;
  /** Absent when there was nothing to settle, and once final. */
  plan?: SettlementPlan;
  /** The bytes to send; absent once final. */
  signed?: SignedSettlement;
  /** Of the settlement, once signed. */
  txid?: string;
  payouts: SettledPayout[];
  /** The coin of this round's own carry. */
  carry?: CarryCoin;
  /** What the auditor or the network said last, when it was no. */
  refusal?: string;
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
 * KEYS settlement, reserved, open. ARGV roundId, plan, then outpoints of operator coins. Stores the plan and reserves
 * its coins, all or nothing. Returns the plan that stands, or nil when a coin is reserved for another round.
 */
const PLAN = script(
  "settlement.plan",
  `local had = redis.call('HGET', KEYS[1], 'plan')
   if had then return had end
   for i = 3, #ARGV do
     if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then return nil end
   end
   for i = 3, #ARGV do redis.call('HSET', KEYS[2], ARGV[i], ARGV[1]) end
   redis.call('HSET', KEYS[1], 'state', 'planned', 'plan', ARGV[2])
   redis.call('SADD', KEYS[3], ARGV[1])
   return ARGV[2]`,
);
/**
 * KEYS settlement. ARGV txid, raw, ef, payouts, carry, payoutHash. The write-ahead: nothing is sent before this.
 * Returns the txid that stands.
 */
const SIGN = script(
  "settlement.sign",
  `local had = redis.call('HGET', KEYS[1], 'txid')
   if had then return had end
   redis.call('HSET', KEYS[1], 'state', 'signed', 'txid', ARGV[1], 'raw', ARGV[2], 'ef', ARGV[3],
     'payouts', ARGV[4], 'carry', ARGV[5], 'payoutHash', ARGV[6])
   redis.call('HDEL', KEYS[1], 'refusal')
   return ARGV[1]`,
);
/** KEYS settlement. Marks a signed one as sent, and a mined one that a reorganisation brought back. */
const SENT = script(
  "settlement.sent",
  `if redis.call('HEXISTS', KEYS[1], 'raw') == 1 then redis.call('HSET', KEYS[1], 'state', 'sent') end
   redis.call('HDEL', KEYS[1], 'refusal')
   return 1`,
);
/** KEYS settlement, reserved. ARGV outpoints. In a block: its coins are gone, nothing need be kept for it. */
const MINED = script(
  "settlement.mined",
  `redis.call('HSET', KEYS[1], 'state', 'mined')
   for i = 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
   return 1`,
);
/** KEYS settlement, open. ARGV roundId. Ends it: the chain has the bytes, nobody looks after it any more. */
const FINAL = script(
  "settlement.final",
  `redis.call('HSET', KEYS[1], 'state', 'mined')
   redis.call('HDEL', KEYS[1], 'plan', 'raw', 'ef', 'refusal')
   redis.call('SREM', KEYS[2], ARGV[1])
   return 1`,
);

const operatorOutpoints = (plan: SettlementPlan | undefined): string[] =>
  (plan?.inputs ?? []).flatMap((input) => (input.kind === "operator" ? [outpointText(input)] : []));

export class SettlementStore {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  async read(roundId: string): Promise<StoredSettlement | undefined> {
    const fields = await this.redis.hgetall(settlementKey(roundId));
    const state = states.find((one) => one === fields.state);
    if (state === undefined) return undefined;
    const { plan, txid, raw, ef, payouts, carry, refusal } = fields;
    return {
      state,
      ...(plan ? { plan: planSchema.parse(JSON.parse(plan)) } : {}),
      ...(txid ? { txid } : {}),
      ...(txid && raw && ef ? { signed: { txid, rawHex: raw, efHex: ef } } : {}),
      payouts: payoutsSchema.parse(JSON.parse(payouts || "[]")),
      ...(carry ? { carry: carrySchema.parse(JSON.parse(carry)) } : {}),
      ...(refusal ? { refusal } : {}),
    };
  }

  /** The outcome alone: asked for often, so the plan's megabytes stay where they are. */
  async view(roundId: string): Promise<SettlementView | undefined> {
    const fields = ["state", "txid", "payouts", "refusal"] as const;
    const [found, txid, payouts, refusal] = await this.redis.hmget(settlementKey(roundId), ...fields);
    const state = states.find((one) => one === found);
    if (state === undefined) return undefined;
    return {
      state,
      txids: txid ? [txid] : [],
      payouts: payoutsSchema.parse(JSON.parse(payouts || "[]")),
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

  /** Outpoints of operator coins that are kept for a round. */
  async reserved(): Promise<Set<string>> {
    return new Set(await this.redis.hkeys(RESERVED));
  }

  /** The plan that stands for the round, or undefined when a coin was taken meanwhile. */
  async plan(plan: SettlementPlan): Promise<SettlementPlan | undefined> {
    const keys = [settlementKey(plan.roundId), RESERVED, OPEN];
    const args = [plan.roundId, JSON.stringify(plan), ...operatorOutpoints(plan)];
    const stands = await runScript(this.redis, PLAN, keys, args);
    return typeof stands === "string" ? planSchema.parse(JSON.parse(stands)) : undefined;
  }

  /** Write-ahead of the signed bytes. Throws when other bytes stand there: then something is broken. */
  async sign(
    roundId: string,
    signed: SignedSettlement,
    owed: { payouts: SettledPayout[]; carry: CarryCoin | undefined; payoutHash: string },
  ): Promise<void> {
    const carry = owed.carry === undefined ? "" : JSON.stringify(owed.carry);
    const { txid, rawHex, efHex } = signed;
    const args = [txid, rawHex, efHex, JSON.stringify(owed.payouts), carry, owed.payoutHash];
    const stands = await runScript(this.redis, SIGN, [settlementKey(roundId)], args);
    if (stands !== txid) throw new Error(`round ${roundId} has settlement ${stands} already, not ${txid}`);
  }

  async sent(roundId: string): Promise<void> {
    await runScript(this.redis, SENT, [settlementKey(roundId)], []);
  }

  /** In a block. */
  async mined(roundId: string, plan: SettlementPlan | undefined): Promise<void> {
    await runScript(this.redis, MINED, [settlementKey(roundId), RESERVED], operatorOutpoints(plan));
  }

  /** M5: deep enough that no reorganisation is expected, or nothing to send. */
  async final(roundId: string): Promise<void> {
    await runScript(this.redis, FINAL, [settlementKey(roundId), OPEN], [roundId]);
  }

  /** Shown to admins as the reason of a dispute (M4). */
  async refused(roundId: string, reason: string): Promise<void> {
    await this.redis.hset(settlementKey(roundId), "refusal", reason);
  }
}
