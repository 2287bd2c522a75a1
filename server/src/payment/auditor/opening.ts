/**
 * Whether a round opened by this network's rules (E11, M4). Owns: comparing record 1 with what the code would have
 * written. Does not own: the clock and ids in it (verify-journal.ts), or where a carry comes from (judge.ts).
 */
import { hashJson } from "@meme-rounds/shared-schema/hash";
import type { BodyOf, Network } from "@meme-rounds/shared-schema/records";
import { defaultRules, type Rules, seatFeeOf } from "@meme-rounds/shared-schema/rules";

/** M8: fee rates are held within these, sat/KB; so the seat fee is too (E12). */
const FEE_RATES = { least: 1, most: 500 };

/** Why these cannot be the rules of a round of this length; undefined when they are. */
export function rulesReason(rules: Rules): string | undefined {
  const own = { ...defaultRules(rules.roundMs / 1000, FEE_RATES.least), seatFeeSats: rules.seatFeeSats };
  const differing = (Object.keys(own) as (keyof Rules)[]).find((name) => own[name] !== rules[name]);
  if (differing !== undefined) return `${differing} is ${rules[differing]}, not ${own[differing]}`;
  if (hashJson(own) !== hashJson(rules)) return "there are rules nobody knows";
  const { seatFeeSats } = rules;
  return seatFeeSats >= seatFeeOf(FEE_RATES.least) && seatFeeSats <= seatFeeOf(FEE_RATES.most)
    ? undefined
    : `a seat fee of ${seatFeeSats} sat follows from no fee rate`;
}

/** What the auditor expects of every round. */
export interface OwnTerms {
  network: Network;
  auditorKey: string;
  /** Keys that were rotated out: rounds and carries of their time are still settled with them (M7). */
  olderAuditorKeys?: readonly string[];
}

/** Why a round that opened so is not of this auditor; undefined when it is. */
export function foreignReason(open: BodyOf<"open">, roundId: string, own: OwnTerms): string | undefined {
  if (open.roundId !== roundId || open.network !== own.network)
    return "the journal is of another round or network";
  if (open.auditorKey !== own.auditorKey && !own.olderAuditorKeys?.includes(open.auditorKey))
    return "the round names another auditor";
  return undefined;
}
