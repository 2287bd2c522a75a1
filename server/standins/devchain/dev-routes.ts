/**
 * What only a development chain has. GET or POST alike, but for /dev/faults; fields in the query or a JSON body.
 *
 * | call | what it does |
 * | --- | --- |
 * | /dev/faucet {address, sats} | pays from nowhere |
 * | /dev/mine {blocks, leave} | makes blocks; `leave` (txids) stay in the mempool, with what spends them |
 * | /dev/reorg {depth, drop, bring} | replaces the newest blocks; without `drop` (txids), with `bring` (hex) |
 * | /dev/submit {tx, force} | judges a transaction; with force=1 it takes the place of its rivals in the mempool |
 * | /dev/evict {txid, trace} | drops from the mempool; ARC then says `rejected`, `unknown`, or what it said (`stale`) |
 * | /dev/clock {seconds} | moves the chain's clock ahead for good |
 * | /dev/fee {satPerKb}, /dev/policy {...} | what the node and the providers ask; without fields: shows it |
 * | /dev/faults | faults.ts |
 */
import { z } from "zod";
import type { DevChain } from "./chain.ts";
import { type Faults, faultsCall } from "./faults.ts";
import { type Answer, BadCall, type Call, hexBytes, json, jsonBody, type Routes } from "./http.ts";
import type { RateLimit } from "./rate-limit.ts";
import { trace } from "./store.ts";
import { Refusal } from "./validate.ts";
import { addressScript } from "./woc-routes.ts";

const count = z.coerce.number().int();
const txid = z.string().regex(/^[0-9a-f]{64}$/);
/** A list in a body, or comma-separated in the query. */
const listOf = (item: z.ZodType<string>) =>
  z.preprocess((value) => (typeof value === "string" ? value.split(",") : value), z.array(item).default([]));
const flag = z.preprocess((value) => value === true || value === "1" || value === "true", z.boolean());

const faucetCall = z.object({ address: z.string(), sats: count.default(100_000_000) });
const mineCall = z.object({ blocks: count.min(1).max(200).default(1), leave: listOf(txid) });
const reorgCall = z.object({ depth: count.default(1), drop: listOf(txid), bring: listOf(z.string()) });
const submitCall = z.object({ tx: z.string(), force: flag });
const evictCall = z.object({ txid: listOf(txid), trace: trace.default("rejected") });
const clockCall = z.object({ seconds: count.min(0) });
const feeCall = z.object({ satPerKb: count.min(0).max(1_000_000).optional() });
const policyCall = z.strictObject({
  feeSatPerKb: count.min(0).max(1_000_000).optional(),
  dustSats: count.min(0).optional(),
  maxAncestors: count.min(0).max(100_000).optional(),
  mempoolExpirySeconds: count.min(1).optional(),
  wocPerSecond: count.min(0).optional(),
  arcPerSecond: count.min(0).optional(),
});

function inputOf<T>(schema: z.ZodType<T>, call: Call): T {
  const body = call.body.length > 0 ? jsonBody(call) : {};
  const fields = typeof body === "object" && body !== null ? body : {};
  const result = schema.safeParse({ ...Object.fromEntries(call.query), ...fields });
  if (!result.success) throw new BadCall(z.prettifyError(result.error));
  return result.data;
}

interface DevDeps {
  /** The answers wait until what they tell is on disk. */
  durable: () => Promise<void>;
  faults: Faults;
  limit: RateLimit;
}

export function devRoutes(chain: DevChain, { durable, faults, limit }: DevDeps): Routes {
  const policy = (wanted: z.infer<typeof policyCall>) => {
    const { mempoolExpirySeconds, wocPerSecond, arcPerSecond, ...asked } = wanted;
    const old = chain.policy;
    const mempoolExpiryMs = mempoolExpirySeconds ? mempoolExpirySeconds * 1000 : old.mempoolExpiryMs;
    chain.policy = {
      ...old,
      feeSatPerKb: asked.feeSatPerKb ?? old.feeSatPerKb,
      dustSats: asked.dustSats ?? old.dustSats,
      maxAncestors: asked.maxAncestors ?? old.maxAncestors,
      mempoolExpiryMs,
    };
    const rates = limit.rates;
    limit.rates = {
      wocPerSecond: wocPerSecond ?? rates.wocPerSecond,
      arcPerSecond: arcPerSecond ?? rates.arcPerSecond,
    };
    return { ...chain.policy, ...limit.rates };
  };

  const faultsAnswer = (call: Call) => {
    if (call.method !== "GET") faults.set(inputOf(faultsCall, call));
    return faults.view();
  };

  const run = (call: Call): unknown => {
    switch (call.path) {
      case "/dev/faucet": {
        const { address, sats } = inputOf(faucetCall, call);
        const { tx } = chain.faucet(addressScript(address), sats).row;
        return { txid: tx.txid, vout: 0, sats, tx: Buffer.from(tx.raw).toString("hex") };
      }
      case "/dev/mine": {
        const { blocks, leave } = inputOf(mineCall, call);
        for (let left = blocks; left > 1; left--) chain.mine(leave);
        const { height, hash, time, txids } = chain.mine(leave);
        return { height, hash, time, txids };
      }
      case "/dev/reorg": {
        const { depth, drop, bring } = inputOf(reorgCall, call);
        return { gone: chain.reorg(depth, drop, bring.map(hexBytes)), height: chain.state.height };
      }
      case "/dev/submit": {
        const { tx, force } = inputOf(submitCall, call);
        const { row, outcome } = chain.submit(hexBytes(tx), undefined, force);
        return { txid: row.tx.txid, outcome, status: row.status, competing: row.competing };
      }
      case "/dev/evict": {
        const { txid: txids, trace: left } = inputOf(evictCall, call);
        const evicted = txids.filter((one) => chain.state.mempool.has(one));
        chain.evict(txids, left);
        return { evicted };
      }
      case "/dev/clock":
        chain.advanceClock(inputOf(clockCall, call).seconds * 1000);
        return { now: chain.now() };
      case "/dev/fee":
        return policy({ feeSatPerKb: inputOf(feeCall, call).satPerKb });
      case "/dev/policy":
        return policy(inputOf(policyCall, call));
      case "/dev/faults":
        return faultsAnswer(call);
      default:
        return undefined;
    }
  };

  return async (call): Promise<Answer | undefined> => {
    try {
      const value = run(call);
      if (value === undefined) return undefined;
      await durable();
      return json(200, value);
    } catch (error) {
      if (error instanceof Refusal) throw new BadCall(error.nodeMessage);
      if (error instanceof RangeError) throw new BadCall(error.message);
      throw error;
    }
  };
}
