/**
 * The auditor's own memory (M4, E11): what it has signed, in a file of JSON lines that only grows. Owns: the file,
 * fsync before an answer leaves, looking up a round and a carry. Does not own: judging. It is not in Redis, so that
 * whoever holds Redis cannot make the auditor forget.
 *
 * A line holds digests: signatures are deterministic, so the same plan can be signed again from itself. No outpoint is
 * signed twice, since a deposit's script names its one round, a round has one line, and a carry one consumer.
 */
import { type FileHandle, mkdir, open, readFile, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { hash32 } from "@meme-rounds/shared-schema/records";
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";

const lineSchema = z.strictObject({
  v: z.literal(1),
  roundId: z.string(),
  outcome: z.enum(["result", "void"]),
  /** hashJson of the plan. */
  plan: hash32,
  /** shapeOf the transaction the plan becomes. */
  shape: hash32,
  /** The carry output it makes. */
  carry: z.strictObject({ sats: z.number().int().positive(), vout: z.number().int() }).optional(),
  /** Rounds whose carry it consumes. */
  consumes: z.array(z.string()),
});
/** What is remembered of a signed plan. */
export type SignedPlan = z.infer<typeof lineSchema>;

interface Shape {
  inputs: readonly { txid: string; vout: number }[];
  outputs: readonly { sats: number; script: string }[];
}

/** The same for a plan and for the signed transaction made of it: what it spends and what it pays. */
export const shapeOf = ({ inputs, outputs }: Shape): string =>
  hashJson([inputs.map(({ txid, vout }) => [txid, vout]), outputs.map(({ sats, script }) => [sats, script])]);

/** The line a plan is remembered by. */
export function lineOf(plan: SettlementPlan, outcome: "result" | "void"): SignedPlan {
  const vout = plan.outputs.findIndex(({ kind }) => kind === "carry");
  const carry = plan.outputs[vout];
  return {
    v: 1,
    roundId: plan.roundId,
    outcome,
    plan: hashJson(plan),
    shape: shapeOf(plan),
    ...(carry === undefined ? {} : { carry: { sats: carry.sats, vout } }),
    consumes: plan.inputs.flatMap((input) => (input.kind === "carry" ? [input.roundId] : [])),
  };
}

export class AuditorBook {
  private readonly file: FileHandle;
  private readonly byRound = new Map<string, SignedPlan>();
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
    this.byRound.set(line.roundId, line);
    for (const roundId of line.consumes) this.consumed.set(roundId, line.roundId);
  }

  /** On disk before it returns: an answer that left is never forgotten. */
  async add(line: SignedPlan): Promise<void> {
    await this.file.appendFile(`${JSON.stringify(line)}\n`);
    await this.file.datasync();
    this.remember(line);
  }

  signedFor(roundId: string): SignedPlan | undefined {
    return this.byRound.get(roundId);
  }

  consumerOf(carryRoundId: string): string | undefined {
    return this.consumed.get(carryRoundId);
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
