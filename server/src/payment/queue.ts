/** The settlement queue's names, for both ends. Owns: names and job shape. */

export const QUEUE = "settlement";
export const QUEUE_PREFIX = "mr:bull";
/** For who only counts what waits. */
export const SETTLEMENT_QUEUE = { name: QUEUE, prefix: QUEUE_PREFIX };
/** Redis channel: {roundId} once a round's settlement has been sent. A hint only; settlementOf has the fact. */
export const SETTLED_CHANNEL = "mr:settled";

/** Redis channel: a txid that changed, as somebody says. A hint only: the network is asked again. */
export const HINT_CHANNEL = "mr:chain:hint";

export interface SettlementJob {
  roundId: string;
}
