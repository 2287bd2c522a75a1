/**
 * The auditor's own memory (M4, E11): what it has signed, in a file of JSON lines that only grows. Owns: the file,
 * fsync before an answer leaves, looking up a round and a carry, and that a later version of a plan cannot pay anybody
 * a second time. Does not own: judging. It is not in Redis, so that whoever holds Redis cannot make the auditor forget.
 *
 * A line holds digests: signatures are deterministic, so the same plan can be signed again from itself. No outpoint is
 * signed for two rounds, since a deposit's script names its one round and a carry has one consumer.
 */
import { type FileHandle, mkdir, open, readFile, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { hash32, outpointSchema, playKeySchema } from "@meme-rounds/shared-schema/records";
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import { type Shape, shapeOf } from "../settlement/shape.ts";
import { outpointText } from "../wire.ts";

const payerSchema = z.strictObject({
  shape: hash32,
  /** What it spends apart from pots: outpoints that are known before anything is signed. */
  coins: z.array(outpointSchema),
  /** Play keys of the first and the last player it pays; plans pay by play key, so these ranges never overlap. */
  first: z.string(),
  last: z.string(),
});
const lineSchema = z.strictObject({
  v: z.literal(2),
  roundId: z.string(),
  outcome: z.enum(["result", "void"]),
  /** The operator's of this round, as its journal names it. */
  operatorKey: playKeySchema,
  version: z.number().int().positive(),
  /** hashJson of the plan. */
  plan: hash32,
  /** shapeOf every transaction of the plan. */
  shapes: z.array(hash32),
  /** The transactions that pay players. */
  payers: z.array(payerSchema),
  /** The carry output it makes, and the transaction that makes it. */
  carry: z
    .strictObject({ sats: z.number().int().positive(), vout: z.number().int(), shape: hash32 })
    .optional(),
  /** Rounds whose carry it consumes. */
  consumes: z.array(z.string()),
});
/** What is remembered of a signed plan. */
export type SignedPlan = z.infer<typeof lineSchema>;

/** The line a plan is remembered by. `transactions` are the plan's, with the txids of pots filled in. */
export function lineOf(
  plan: SettlementPlan,
  transactions: readonly Shape[],
  { outcome, operatorKey }: Pick<SignedPlan, "outcome" | "operatorKey">,
): SignedPlan {
  const shapes = transactions.map(shapeOf);
  let carry: SignedPlan["carry"];
  const payers: SignedPlan["payers"] = [];
  for (const [at, { kind, inputs, outputs }] of plan.txs.entries()) {
    const shape = shapes[at] ?? "";
    for (const [vout, output] of outputs.entries())
      if (output.kind === "carry") carry = { sats: output.sats, vout, shape };
    if (kind === "collect") continue;
    const players = outputs.flatMap((output) => (output.kind === "payout" ? [output.playKey] : []));
    const coins = inputs.flatMap((input) => (input.kind === "pot" ? [] : [outpointText(input)]));
    payers.push({ shape, coins, first: players.at(0) ?? "", last: players.at(-1) ?? "" });
  }
  const consumes = plan.txs.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === "carry" ? [input.roundId] : [])),
  );
  const { roundId, version } = plan;
  return {
    v: 2,
    roundId,
    outcome,
    operatorKey,
    version,
    plan: hashJson(plan),
    shapes,
    payers,
    ...(carry === undefined ? {} : { carry }),
    consumes,
  };
}

/**
 * M3: why signing `next` after `before` could pay somebody twice; undefined when it cannot. Whoever is paid again must
 * be paid by the same transaction, or by one that spends a coin which the earlier one spends too: then only one of the
 * two can ever be mined.
 */
export function paysTwice(before: SignedPlan, next: SignedPlan): string | undefined {
  for (const payer of next.payers) {
    if (payer.first === "") continue;
    const earlier = before.payers.filter(({ first, last }) => first <= payer.last && last >= payer.first);
    for (const one of earlier) {
      if (one.shape === payer.shape || one.coins.some((coin) => payer.coins.includes(coin))) continue;
      return `players from ${payer.first} on could be paid by this plan and by the one before`;
    }
  }
  return undefined;
}

export class AuditorBook {
  private readonly file: FileHandle;
  /** All versions that were signed, the newest last. */
  private readonly byRound = new Map<string, SignedPlan[]>();
  /** Round whose carry was consumed -> the round that consumed it. */
  private readonly consumed = new Map<string, string>();

  private constructor(file: FileHandle, lines: SignedPlan[]) {
    this.file = file;
    for (const line of lines) this.remember(line);
  }

  /** Opens or begins the file. A last line without its end was never answered for and is cut off. */
  static async open(path: string): Promise<AuditorBook> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a", 0o600);
    const bytes = await readFile(path);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) await truncate(path, end);
    const lines = bytes
      .toString("utf8", 0, end)
      .split("\n")
      .filter((line) => line !== "");
    return new AuditorBook(
      file,
      lines.map((line) => lineSchema.parse(JSON.parse(line))),
    );
  }

  private remember(line: SignedPlan): void {
    this.byRound.set(line.roundId, [...(this.byRound.get(line.roundId) ?? []), line]);
    for (const roundId of line.consumes) this.consumed.set(roundId, line.roundId);
  }

  /** On disk before it returns: an answer that left is never forgotten. */
  async add(line: SignedPlan): Promise<void> {
    await this.file.appendFile(`${JSON.stringify(line)}\n`);
    await this.file.datasync();
    this.remember(line);
  }

  /** The newest version that was signed. */
  signedFor(roundId: string): SignedPlan | undefined {
    return this.byRound.get(roundId)?.at(-1);
  }

  /** Is this a transaction of any version that was signed for the round? */
  isOwn(roundId: string, tx: Shape): boolean {
    const shape = shapeOf(tx);
    return (this.byRound.get(roundId) ?? []).some(({ shapes }) => shapes.includes(shape));
  }

  consumerOf(carryRoundId: string): string | undefined {
    return this.consumed.get(carryRoundId);
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
