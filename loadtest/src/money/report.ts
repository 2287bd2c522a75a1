/** What the money soak shows: the live line, the table at the end, the file. Owns: words and layout only. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Proof } from "./prove.ts";
import type { Mismatch } from "./prove-round.ts";
import type { Tally } from "./tally.ts";

const FOLDER = resolve(import.meta.dirname, "../../../.data/loadtest");
const SHOWN = 40;

export interface Figures {
  seed: number;
  players: number;
  seconds: number;
  depositsAccepted: number;
  depositsPerSecond: number;
  depositP50Ms: number;
  depositP99Ms: number;
  settledPerMinute: number;
  /** s from the last round's end until the last payout was final. */
  finalAfterS: number;
  boosts: number;
  kills: number;
  reorgs: number;
  faults: Record<string, number>;
  mismatches: number;
  /** Of the harness itself: above 100 ms its own times are not to be trusted. */
  ownLagP99Ms: number;
}

/** One line that replaces itself on a terminal; every tenth one is kept where there is none. */
export class LiveLine {
  private calls = 0;

  show(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
    else if (this.calls++ % 10 === 0) process.stderr.write(`${text}\n`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\n");
  }
}

const row = (name: string, value: string | number): string => `  ${name.padEnd(58)} ${value}`;

function mismatchLine({ rule, what, roundId, playKey, txids }: Mismatch): string {
  const where = [roundId, playKey && `player ${playKey}`, txids && `txs ${txids.join(" ")}`];
  return `  ${rule}: ${what} [${where.filter(Boolean).join(", ")}]`;
}

/** The summary for people. */
export function showSummary(
  figures: Figures,
  proof: Proof,
  tally: Tally,
  mismatches: readonly Mismatch[],
): void {
  const { sums, operator, players } = proof;
  const lines = [
    "",
    "what happened",
    ...[...tally.counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => row(name, count)),
    row("deposit to acceptance, p50 / p99, ms", `${figures.depositP50Ms} / ${figures.depositP99Ms}`),
    row("deposits accepted a second", figures.depositsPerSecond),
    row("deposits settled a minute", figures.settledPerMinute),
    row("event loop of this harness, p99, ms", figures.ownLagP99Ms),
    "",
    "the proof",
    row("rounds: with a result / voided", `${proof.results} / ${proof.voided}`),
    row("settlement transactions", proof.settlementTxs),
    ...Object.entries(proof.deposits).map(([fate, count]) => row(`deposits ${fate}`, count)),
    row("receipts honoured or not, looked at", players.receipts),
    row("of the dropped, of honest players", players.honestDropped),
    row("deposits that count nowhere and can be taken back", players.refundable.length),
    row("sat collected", sums.collected),
    row("sat paid to players", sums.paid),
    row("sat to miners", sums.minerFees),
    row("sat kept by the operator", sums.operatorNet),
    row("sat carried on", sums.carryUnspent),
    row("difference", sums.difference),
    row(
      "operator: faucet + settlements - upkeep = balance",
      [operator.faucet, operator.settlements, operator.upkeep, operator.balance].join(" "),
    ),
  ];
  if (tally.oddities.size > 0) {
    lines.push("", "oddities (of the harness's own dealings, not about money)");
    for (const [text, count] of tally.oddities) lines.push(`  ${count} x ${text}`);
  }
  lines.push("", mismatches.length === 0 ? "nothing is wrong" : `${mismatches.length} things are wrong`);
  lines.push(...mismatches.slice(0, SHOWN).map(mismatchLine));
  if (mismatches.length > SHOWN) lines.push(`  and ${mismatches.length - SHOWN} more, in the file`);
  console.log(lines.join("\n"));
}

/** Everything, as JSON. Returns the file's path. */
export async function writeReport(figures: Figures, report: object): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const path = join(FOLDER, `money-${stamp}-seed${figures.seed}.json`);
  await writeFile(path, `${JSON.stringify({ figures, ...report }, undefined, 1)}\n`);
  return path;
}
