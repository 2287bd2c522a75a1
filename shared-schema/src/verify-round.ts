/**
 * Verifying a finished round from chain data alone (M10). Owns: the order of checks, what is skipped when another one is
 * red, the verdict. Does not own: the checks themselves, fetching (verify-round-gather.ts). Pure: the page and the
 * command line run the same.
 */
import {
  checkChain,
  checkHeads,
  checkJournal,
  checkLink,
  checkReceipts,
  checkRules,
  checkSignatures,
} from "./verify-round-journal.ts";
import { checkDeposits, checkPayouts, checkRanking } from "./verify-round-money.ts";
import {
  CHECKS,
  type Check,
  type CheckId,
  type Finding,
  type Known,
  type RoundEvidence,
  type VerifyTools,
  Wrong,
} from "./verify-round-parts.ts";
import { checkCarry, checkOutputs } from "./verify-round-settlement.ts";
import { VOID_CHECKS } from "./verify-round-void.ts";

type Checker = (evidence: RoundEvidence, known: Known, tools: VerifyTools) => Finding;

const CHECKERS: Record<CheckId, Checker> = {
  link: checkLink,
  journal: checkJournal,
  chain: checkChain,
  signatures: checkSignatures,
  rules: checkRules,
  heads: checkHeads,
  receipts: checkReceipts,
  deposits: checkDeposits,
  ranking: checkRanking,
  payouts: checkPayouts,
  outputs: checkOutputs,
  carry: checkCarry,
};

/** `incomplete`: nothing is wrong, but something cannot be checked yet. */
export type Verdict = "green" | "red" | "incomplete";

function findingOf(check: Checker, evidence: RoundEvidence, known: Known, tools: VerifyTools): Finding {
  try {
    return check(evidence, known, tools);
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, reason: error.message };
    throw error;
  }
}

/** Makes one check after the other, so that a caller can show each, or let a page breathe in between. */
export function* verifyRound(evidence: RoundEvidence, tools: VerifyTools): Generator<Check, Verdict> {
  const known: Known = {};
  const done = new Map<CheckId, Check>();
  for (const { id, title, means, needs } of CHECKS) {
    const other = known.link?.body.outcome === "voided" ? VOID_CHECKS[id] : undefined;
    const before = (other?.needs ?? (needs as readonly CheckId[])).map((one) => done.get(one));
    const open = before.find((check) => check?.ok !== true);
    const finding: Finding =
      open === undefined
        ? findingOf(other?.check ?? CHECKERS[id], evidence, known, tools)
        : open.absent
          ? { ok: "skipped", absent: true, reason: open.reason ?? "" }
          : { ok: "skipped", reason: `it needs the check "${open.title}"` };
    const check: Check = { id, title, means, numbers: {}, details: [], txids: [], ...finding };
    done.set(id, check);
    yield check;
  }
  return verdictOf([...done.values()]);
}

export function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.some(({ ok }) => ok === false)) return "red";
  return checks.every(({ ok, absent }) => ok === true || absent === true) ? "green" : "incomplete";
}
