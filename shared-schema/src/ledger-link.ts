/**
 * What the ledger says (M5): the bodies of genesis, links and handovers, and the data output that shows them.
 * Owns: their shape and bytes (docs/SPEC.md 8.7), what a handover signs, reading a link out of a transaction's outputs.
 * Does not own: the covenant's script (ledger.ts) or who builds and sends links.
 */
import { z } from "zod";
import { utf8 } from "./bytes.ts";
import { bytesText, dataScript, dataScriptSize, readDataScript, textBytes } from "./chain-data.ts";
import { signCompact, type VerifyCompact } from "./crypto.ts";
import { canonicalJson, hashJson } from "./hash.ts";
import { covenantScript, LEDGER_SATS, type LedgerState, parseCovenant } from "./ledger.ts";
import { hash32, networkSchema, outpointSchema, ZERO_HASH } from "./records.ts";
import type { SettledOutcome } from "./settlement.ts";

const APP = "meme-rounds";
const FORMAT = "link1";
const arena = z.string().min(1).max(32);
const compactSig = z.string().regex(/^[0-9a-f]{128}$/);

const roundPart = {
  arena,
  roundId: z.string().min(1).max(64),
  /** Hash of the journal's last record. */
  journalHash: hash32,
  payoutHash: hash32,
  /** Head of the admins' audit log (I4); zeros while there is none. */
  auditHead: hash32,
};
/** One link a round with a deposit. A voided round's journal names creators (R6), so it has no file, and its reason stands here. */
const closedBody = z.strictObject({ ...roundPart, outcome: z.literal("closed"), journalTxid: hash32 });
const voidedBody = z.strictObject({
  ...roundPart,
  outcome: z.literal("voided"),
  reason: z.string().max(1_000),
});
export const linkBodySchema = z.discriminatedUnion("outcome", [closedBody, voidedBody]);
export type LinkBody = z.infer<typeof linkBodySchema>;

/** The first output of a covenant; `previous` is the tip that hands over to it, absent in an arena's very first. */
export const genesisBodySchema = z.strictObject({
  arena,
  genesis: networkSchema,
  previous: outpointSchema.optional(),
});
export type GenesisBody = z.infer<typeof genesisBodySchema>;

/** The last link of a key: from here on the ledger goes on at `handover`, a genesis of another key. */
export const handoverBodySchema = z.strictObject({
  handover: outpointSchema,
  oldSig: compactSig,
  newSig: compactSig,
});
export type HandoverBody = z.infer<typeof handoverBodySchema>;

export type LedgerBody = LinkBody | GenesisBody | HandoverBody;
const bodySchema = z.union([linkBodySchema, genesisBodySchema, handoverBodySchema]);

/** auditHead while there is no audit log. */
export const NO_AUDIT_HEAD = ZERO_HASH;

const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/**
 * What a link commits to of the money, hex: of a closed round sha256 of the canonical result body, of a voided one of
 * {returned: [{playKey, sats}]} in the order of play keys.
 */
export function payoutHashOf(outcome: SettledOutcome): string {
  if (outcome.kind === "result") return hashJson(outcome.result);
  const returned = outcome.returned
    .map(({ playKey, sats }) => ({ playKey, sats }))
    .sort((left, right) => byText(left.playKey, right.playKey));
  return hashJson({ returned });
}

/** sha256 of the canonical JSON, hex: what the covenant holds. */
export const bodyHashOf = (body: LedgerBody): string => hashJson(body);

/** The locking script (hex) of output 1: the body for everyone to read. */
export const linkDataScript = (body: LedgerBody): string =>
  dataScript([textBytes(APP), textBytes(FORMAT), utf8(canonicalJson(body))]);

/** Bytes of that script. */
export const linkDataSize = (body: LedgerBody): number =>
  dataScriptSize([APP.length, FORMAT.length, utf8(canonicalJson(body)).length]);

/** Reads output 1 (hex); undefined when it is no body, or not written in canonical form. */
export function readLinkData(scriptHex: string): LedgerBody | undefined {
  const [app, format, body, ...more] = readDataScript(scriptHex) ?? [];
  if (app === undefined || format === undefined || body === undefined || more.length > 0) return undefined;
  if (bytesText(app) !== APP || bytesText(format) !== FORMAT) return undefined;
  const text = bytesText(body);
  if (text === undefined) return undefined;
  try {
    const parsed = bodySchema.safeParse(JSON.parse(text));
    return parsed.success && canonicalJson(parsed.data) === text ? parsed.data : undefined;
  } catch {
    // Not JSON: somebody else's data.
    return undefined;
  }
}

/** A link as its transaction shows it. */
export interface ReadLink {
  state: LedgerState;
  /** Of the covenant, compressed, hex. */
  operatorKey: string;
  body: LedgerBody;
}

/**
 * The link a transaction's outputs hold: covenant first, its body second, one the hash of the other. That the
 * transaction spends the link before is for the caller to check, input 0; the script has enforced the rest.
 */
export function readLink(outputs: readonly { sats: number; script: string }[]): ReadLink | undefined {
  const [covenant, data] = outputs;
  if (covenant === undefined || data === undefined || covenant.sats !== LEDGER_SATS) return undefined;
  const parsed = parseCovenant(covenant.script);
  const body = readLinkData(data.script);
  if (parsed === undefined || body === undefined || parsed.state.bodyHash !== bodyHashOf(body))
    return undefined;
  return { ...parsed, body };
}

/** Outputs 0 and 1 of a link with this number. */
export const linkOutputs = (
  seq: number,
  body: LedgerBody,
  operatorKey: string,
): { sats: number; script: string }[] => [
  { sats: LEDGER_SATS, script: covenantScript({ seq, bodyHash: bodyHashOf(body) }, operatorKey) },
  { sats: 0, script: linkDataScript(body) },
];

/** What old and new key sign: "MRK1" | outpoint of the old tip | outpoint of the new genesis, both as text. */
const handoverBytes = (tip: string, next: string): Uint8Array => utf8(`MRK1${tip}${next}`);

/** The last body of the old key. `tip` is the outpoint its link spends, `next` the new key's genesis. */
export function signHandover(
  tip: string,
  next: string,
  secrets: { old: Uint8Array; new: Uint8Array },
): HandoverBody {
  const bytes = handoverBytes(tip, next);
  return {
    handover: next,
    oldSig: signCompact(bytes, secrets.old),
    newSig: signCompact(bytes, secrets.new),
  };
}

/** True when both keys (compressed, hex) have signed this step from `tip`. */
export function verifyHandover(
  tip: string,
  body: HandoverBody,
  keys: { old: string; new: string },
  verify: VerifyCompact,
): boolean {
  const bytes = handoverBytes(tip, body.handover);
  return verify(bytes, body.oldSig, keys.old) && verify(bytes, body.newSig, keys.new);
}
