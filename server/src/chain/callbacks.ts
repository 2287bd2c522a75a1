/**
 * ARC's callbacks. Owns: who may call, the bodies, and turning a call into a hint: the status is asked for again through
 * the port before anybody hears of it, so that a forged, repeated, late or reordered call changes nothing. Does not own:
 * what a changed status leads to. Nobody may rely on a call coming: callers keep asking at their own pace.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { z } from "zod";
import { LARGE_BODY_BYTES, type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import { counter } from "../infra/metrics.ts";
import type { ChainLogger, ChainPort, TxStatus } from "./port.ts";

/** What ARC sends in one batch at the most. */
const MAX_BATCH = 50;
/** Only the name is read: the rest of what a call says is asked for again. */
const single = z.looseObject({ txid: z.string().regex(/^[0-9a-f]{64}$/) });
const batch = z.looseObject({ callbacks: z.array(single).max(MAX_BATCH) });
const callbackBody = z.union([batch, single]);

const digest = (text: string): Buffer => hash("sha256", text, "buffer");

/**
 * POST /chain/callback for those who bring the token; ARC wants a 2xx and calls again after anything else. `onHint` is
 * told each txid, and must not throw. Throws AUTH_REQUIRED, and BAD_REQUEST for a body that is none of ARC's.
 */
export function callbackRoutes(
  { token }: { token: string },
  { onHint }: { onHint: (txid: string) => void },
): Route[] {
  const expected = digest(token);
  return [
    route({
      method: "post",
      path: "/chain/callback",
      summary:
        "For ARC: a transaction's status changed. One, or a batch of at most 50; needs the callback token",
      auth: "none",
      body: z.unknown(),
      maxBodyBytes: LARGE_BODY_BYTES,
      answer: z.object({}),
      errors: ["AUTH_REQUIRED", "BAD_REQUEST", "RATE_LIMITED"],
      limit: LIMITS.callback,
      handler: async ({ req, body }) => {
        const given = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1] ?? "";
        if (!timingSafeEqual(digest(given), expected))
          throw new CodedError("AUTH_REQUIRED", "This needs the callback token.");
        const parsed = callbackBody.safeParse(body);
        if (!parsed.success)
          throw new CodedError("BAD_REQUEST", "body: neither a callback nor a batch of up to 50.");
        const { data } = parsed;
        const named = "callbacks" in data ? z.array(single).parse(data.callbacks) : [single.parse(data)];
        for (const txid of new Set(named.map((one) => one.txid))) onHint(txid);
        return {};
      },
    }),
  ];
}

export interface CallbackHub {
  /** Somebody says that this transaction changed. Never throws; one that nobody waits for is ignored, and counted. */
  hint(txid: string): void;
  /** Tells `fn` each new status that a hint leads to, until the function given back is called. `fn` must not throw. */
  subscribe(txid: string, fn: (status: TxStatus) => void): () => void;
}

interface Watched {
  listeners: Set<(status: TxStatus) => void>;
  /** What was told last, as JSON: the same again is not told. */
  told?: string;
  /** A question is under way; `again` when a hint came meanwhile. */
  asking: boolean;
  again: boolean;
}

/** Hints of transactions that somebody in this process waits for lead to one question each, however many come. */
export function createCallbackHub(
  port: Pick<ChainPort, "status">,
  { logger }: { logger?: ChainLogger } = {},
): CallbackHub {
  const watched = new Map<string, Watched>();
  const hints = counter("mr_chain_callbacks_total", "Callbacks by what came of them", ["result"]);

  const ask = async (txid: string, one: Watched): Promise<void> => {
    one.asking = true;
    do {
      one.again = false;
      try {
        const status = await port.status(txid);
        const told = JSON.stringify(status);
        hints.inc({ result: one.told === told ? "repeated" : "told" });
        if (one.told === told) continue;
        one.told = told;
        for (const listener of one.listeners) listener(status);
      } catch (err) {
        hints.inc({ result: "unread" });
        logger?.warn({ err, txid }, "a callback came, and its status could not be read");
      }
    } while (one.again);
    one.asking = false;
  };

  return {
    hint(txid) {
      const one = watched.get(txid);
      if (!one) return hints.inc({ result: "unknown" });
      if (one.asking) one.again = true;
      else void ask(txid, one);
    },

    subscribe(txid, fn) {
      const one = watched.get(txid) ?? { listeners: new Set(), asking: false, again: false };
      watched.set(txid, one);
      const listener = (status: TxStatus): void => fn(status);
      one.listeners.add(listener);
      return () => {
        one.listeners.delete(listener);
        if (one.listeners.size === 0 && watched.get(txid) === one) watched.delete(txid);
      };
    },
  };
}
