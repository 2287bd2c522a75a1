/**
 * The freeze (M1): which deposits do not count. Owns: asking the network about each, within the time there is. Does
 * not own: what follows from it (payout.ts), who is trusted afterwards (limits.ts).
 */
import type { ChainPort } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import { mapLimited } from "../parallel.ts";

/** A deposit of the journal. */
export interface Deposited {
  txid: string;
  vout: number;
  identity: string;
}

export interface JudgeDepositsDeps {
  chain: ChainPort;
  logger: Logger;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** M1: the freeze comes at most 10 s after the close; the record itself needs a moment too. */
const JUDGE_MS = 8_000;
const POLL_MS = 300;
const PARALLEL = 16;

/**
 * Outpoints of deposits that the network refused, knows a competing transaction of, or has lost. Answers within 10 s.
 * A deposit the network is merely silent about counts: it had been seen when it was accepted, and a silent provider
 * must not cost everybody the round.
 */
export async function judgeDeposits(
  deposits: readonly Deposited[],
  deps: JudgeDepositsDeps,
): Promise<string[]> {
  const end = deps.now() + JUDGE_MS;
  const silent: { txid: string; err?: unknown }[] = [];
  const dropped = await mapLimited(deposits, PARALLEL, async ({ txid, vout }) => {
    // Asking late is asking for nothing: of a large round there may be thousands left.
    if (deps.now() >= end) {
      silent.push({ txid });
      return [];
    }
    const lost = await isLost(txid, end, deps, (err) => silent.push({ txid, err }));
    return lost ? [`${txid}:${vout}`] : [];
  });
  const [first] = silent;
  if (first !== undefined)
    deps.logger.warn(
      { ...first, silent: silent.length, deposits: deposits.length },
      "deposits could not be judged in time: they count",
    );
  return dropped.flat();
}

/** `onSilence`: the network could not be asked. */
async function isLost(
  txid: string,
  end: number,
  { chain, now, sleep }: JudgeDepositsDeps,
  onSilence: (err: unknown) => void,
): Promise<boolean> {
  let silence: unknown;
  for (;;) {
    let lost = false;
    try {
      const { state } = await within(chain.status(txid), end - now(), sleep);
      if (state === "conflict" || state === "rejected") return true;
      if (state !== "unknown") return false;
      lost = true;
    } catch (err) {
      silence = err;
    }
    if (now() + POLL_MS >= end) {
      if (!lost) onSilence(silence);
      return lost;
    }
    await sleep(POLL_MS);
  }
}

async function within<T>(answer: Promise<T>, ms: number, sleep: (ms: number) => Promise<void>): Promise<T> {
  const late = sleep(Math.max(0, ms)).then((): never => {
    throw new Error("the chain did not answer in time");
  });
  late.catch(() => undefined); // when the answer wins the race, nobody else looks at this one
  return await Promise.race([answer, late]);
}
