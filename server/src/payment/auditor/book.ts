/**
 * The auditor's own memory (M4, E11): what it has signed, in a file of JSON lines that only grows. Owns: the file,
 * fsync before an answer leaves, looking up a round, a carry, an outpoint. Does not own: judging. It is not in Redis,
 * so that whoever holds Redis cannot make the auditor forget.
 */
import { type FileHandle, mkdir, open, readFile, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { z } from "zod";
import { outpointText, planSchema, type Signatures, signaturesSchema } from "../wire.ts";

const lineSchema = z.strictObject({
  v: z.literal(1),
  roundId: z.string(),
  outcome: z.enum(["result", "void"]),
  plan: planSchema,
  signatures: signaturesSchema,
});
/** One signed plan. */
export interface SignedPlan {
  v: 1;
  roundId: string;
  outcome: "result" | "void";
  plan: SettlementPlan;
  signatures: Signatures;
}

export class AuditorBook {
  private readonly file: FileHandle;
  private readonly byRound = new Map<string, SignedPlan>();
  /** Outpoint of a deposit or carry -> the round it was signed away in. */
  private readonly spent = new Map<string, string>();
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
    for (const input of line.plan.inputs) {
      if (input.kind !== "operator") this.spent.set(outpointText(input), line.roundId);
      if (input.kind === "carry") this.consumed.set(input.roundId, line.roundId);
    }
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

  spentIn(outpoint: string): string | undefined {
    return this.spent.get(outpoint);
  }

  consumerOf(carryRoundId: string): string | undefined {
    return this.consumed.get(carryRoundId);
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
