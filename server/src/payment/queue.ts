/** The settlement queue's names, for both ends. Owns: names and job shape. */

export const QUEUE = "settlement";
export const QUEUE_PREFIX = "mr:bull";
/** Redis channel: {roundId} once a round's settlement has been sent. A hint only; settlementOf has the fact. */
export const SETTLED_CHANNEL = "mr:settled";

export interface SettlementJob {
  roundId: string;
}
