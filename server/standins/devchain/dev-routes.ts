/** What only a development chain has: faucet, mining, reorganisations, a clock that can be moved. GET or POST alike. */
import { z } from "zod";
import type { DevChain } from "./chain.ts";
import { type Answer, BadCall, type Call, json, jsonBody, type Routes } from "./http.ts";
import { addressScript } from "./woc-routes.ts";

const count = z.coerce.number().int();
const txid = z.string().regex(/^[0-9a-f]{64}$/);
const faucetCall = z.object({ address: z.string(), sats: count.default(100_000_000) });
const mineCall = z.object({ blocks: count.min(1).max(200).default(1) });
const reorgCall = z.object({
  depth: count.default(1),
  drop: z.preprocess(
    (value) => (typeof value === "string" ? value.split(",") : value),
    z.array(txid).default([]),
  ),
});
const clockCall = z.object({ seconds: count.min(0) });

function inputOf<T>(schema: z.ZodType<T>, call: Call): T {
  const body = call.body.length > 0 ? jsonBody(call) : {};
  const fields = typeof body === "object" && body !== null ? body : {};
  const result = schema.safeParse({ ...Object.fromEntries(call.query), ...fields });
  if (!result.success) throw new BadCall(z.prettifyError(result.error));
  return result.data;
}

/** The answers wait until what they tell is on disk (`durable`). */
export function devRoutes(chain: DevChain, durable: () => Promise<void>): Routes {
  const run = (call: Call): unknown => {
    switch (call.path) {
      case "/dev/faucet": {
        const { address, sats } = inputOf(faucetCall, call);
        const { tx } = chain.faucet(addressScript(address), sats).row;
        return { txid: tx.txid, vout: 0, sats, tx: Buffer.from(tx.raw).toString("hex") };
      }
      case "/dev/mine": {
        const { blocks } = inputOf(mineCall, call);
        for (let left = blocks; left > 1; left--) chain.mine();
        const { height, hash, time, txids } = chain.mine();
        return { height, hash, time, txids };
      }
      case "/dev/reorg": {
        const { depth, drop } = inputOf(reorgCall, call);
        return { gone: chain.reorg(depth, drop), height: chain.state.height };
      }
      case "/dev/clock":
        chain.advanceClock(inputOf(clockCall, call).seconds * 1000);
        return { now: chain.now() };
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
      if (error instanceof RangeError) throw new BadCall(error.message);
      throw error;
    }
  };
}
