/**
 * Who may do what right now, as far as terms and self-set limits go (I6). Owns: which of them counts for which act.
 * Does not own: the terms (consent.ts), the limits (play-limits.ts), the rules of a round.
 */
import { CodedError, type Refusal } from "@meme-rounds/shared-schema/errors";
import type { Consents } from "./consent.ts";
import type { CountedDeposit, PlayLimits } from "./play-limits.ts";

export type Act = "join" | "deposit" | "enter" | "boost" | "upload";

export interface PlayGate {
  /**
   * Throws CONSENT_REQUIRED (deposit, enter, upload), COOLING_OFF (deposit, enter, boost) or SELF_EXCLUDED (those and
   * join). For boosts the answer may be a second old.
   */
  admit(identity: string, act: Act): Promise<void>;
  /** See PlayLimits.reserve. */
  reserve(identity: string, deposit: CountedDeposit): Promise<Refusal | undefined>;
  /** See PlayLimits.release. */
  release(identity: string, deposit: Omit<CountedDeposit, "roundId">): Promise<void>;
}

/** Boosts are many: what was read of a person holds for so long, ms. */
const FRESH_MS = 1_000;
/** People remembered for that; beyond it everybody is read anew. */
const MAX_REMEMBERED = 10_000;

const CONSENT: ReadonlySet<Act> = new Set(["deposit", "enter", "upload"]);
const BARRED: ReadonlySet<Act> = new Set(["join", "deposit", "enter", "boost"]);

export function createGate(deps: {
  consents: Pick<Consents, "demand">;
  limits: Pick<PlayLimits, "bar" | "reserve" | "release">;
  now: () => number;
}): PlayGate & { /** What was remembered of this person counts no more. */ changed(identity: string): void } {
  const { consents, limits, now } = deps;
  const remembered = new Map<string, { at: number; bar: Promise<Refusal | undefined> }>();

  const barOf = async (identity: string, act: Act): Promise<Refusal | undefined> => {
    if (act !== "boost") return await limits.bar(identity);
    const known = remembered.get(identity);
    if (known !== undefined && now() - known.at < FRESH_MS) return await known.bar;
    // The question is remembered, not its answer: boosts of one player leave here in the order they came in.
    const asked = { at: now(), bar: limits.bar(identity) };
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(identity, asked);
    try {
      return await asked.bar;
    } catch (error) {
      if (remembered.get(identity) === asked) remembered.delete(identity);
      throw error;
    }
  };

  return {
    async admit(identity, act) {
      if (CONSENT.has(act)) await consents.demand(identity);
      if (!BARRED.has(act)) return;
      const bar = await barOf(identity, act);
      if (bar === undefined || (act === "join" && bar.code !== "SELF_EXCLUDED")) return;
      throw new CodedError(bar.code, bar.message);
    },
    reserve: limits.reserve,
    release: limits.release,
    changed(identity) {
      remembered.delete(identity);
    },
  };
}
