/**
 * Checks of the ledger and the journal (M10). Owns: link and ancestry, file, hash chain, signatures, rules, heads,
 * receipts. Does not own: money (verify-round-money.ts). Pure.
 */
import { fromHex } from "./bytes.ts";
import { type LinkBody, type ReadLink, readLink, verifyHandover } from "./ledger-link.ts";
import { computeOutcome } from "./payout.ts";
import { isGenuineHead, isGenuineReceipt } from "./receipt.ts";
import { type Entry, recordHash, ZERO_HASH } from "./records.ts";
import type { RoundState } from "./round-state.ts";
import type { RawTransaction } from "./tx-read.ts";
import { verifyEntry } from "./verify-journal.ts";
import {
  type Finding,
  type Known,
  must,
  plural,
  type RoundEvidence,
  short,
  type VerifyTools,
  Wrong,
} from "./verify-round-parts.ts";
import { chatBytes, decodeVoucher, voucherHash } from "./voucher.ts";

type Checker = (evidence: RoundEvidence, known: Known, tools: VerifyTools) => Finding;

const isRoundLink = (link: ReadLink): link is ReadLink & { body: LinkBody } => "outcome" in link.body;

function mustSpendCovenant(child: RawTransaction, parent: RawTransaction): void {
  const [first] = child.inputs;
  must(
    first?.txid === parent.txid && first.vout === 0,
    `link ${short(child.txid)} does not spend the link before it`,
  );
}

/** One step back: `parent` is what the ledger says came before `child`. */
function mustFollow(
  child: RawTransaction,
  link: ReadLink,
  parent: RawTransaction,
  before: ReadLink,
  tools: VerifyTools,
): void {
  if (!("genesis" in link.body)) {
    mustSpendCovenant(child, parent);
    must(
      before.state.seq === link.state.seq - 1,
      `link ${link.state.seq} comes after link ${before.state.seq}`,
    );
    must(
      before.operatorKey === link.operatorKey,
      `link ${link.state.seq} is of another key without a handover`,
    );
    return;
  }
  const { body } = before;
  must("handover" in body, "a new key's ledger does not begin with a handover");
  must(body.handover === `${child.txid}:0`, "the handover names another ledger");
  const [spent] = parent.inputs;
  const tip = `${spent?.txid}:${spent?.vout}`;
  const keys = { old: before.operatorKey, new: link.operatorKey };
  must(verifyHandover(tip, body, keys, tools.verify), "the handover is not signed by both keys");
}

/** The link itself and, step by step, what the ledger says came before it (M5). */
export const checkLink: Checker = (evidence, known, tools) => {
  const { link: given, ancestors, roundId } = evidence;
  must(given !== undefined, "the ledger has no link for this round");
  const link = readLink(given.tx.outputs);
  must(link !== undefined, "the transaction is no link of the ledger");
  must(isRoundLink(link), "the link is not one of a round");
  must(link.body.roundId === roundId, `the link is of the round ${link.body.roundId}`);
  let child = { tx: given.tx, link: link as ReadLink };
  let links = 0;
  for (const { tx } of ancestors) {
    const before = readLink(tx.outputs);
    must(before !== undefined, `transaction ${short(tx.txid)} stands in the ledger, but is no link`);
    mustFollow(child.tx, child.link, tx, before, tools);
    const { body } = before;
    must(!("arena" in body) || body.arena === link.body.arena, "the ledger is of another arena");
    must(!("roundId" in body) || body.roundId !== roundId, "the ledger has two links for this round");
    child = { tx, link: before };
    links++;
  }
  const last = child.link.body;
  const isWhole = "genesis" in last && last.previous === undefined;
  if (isWhole) must(child.link.state.seq === 0, "the ledger does not begin with number 0");
  must(isWhole || evidence.cutShort === true, "the link before it is not on the chain");
  const origin = `${child.tx.txid}:0`;
  if (evidence.genesis !== undefined && isWhole)
    must(evidence.genesis === origin, "the ledger begins elsewhere than it should");
  known.link = { ...link, body: link.body };
  return {
    ok: true,
    numbers: {
      link: link.state.seq,
      followed: links,
      ...(given.height === undefined ? {} : { block: given.height }),
    },
    details: [
      isWhole
        ? `The ledger was followed back to its beginning, ${origin}.`
        : `The ledger was followed back ${plural(links, "link")}, not to its beginning.`,
      `Kept by the key ${link.operatorKey}.`,
      ...(given.height === undefined ? ["The link is not in a block yet."] : []),
      ...(link.body.outcome === "voided" ? [`The round was voided: ${link.body.reason}.`] : []),
    ],
    txids: [given.tx.txid],
  };
};

/** The file is where the link says, of this round, and ends in the hash the link holds (M6). */
export const checkJournal: Checker = ({ journalTx, journal, roundId }, known) => {
  const body = known.link?.body;
  must(body !== undefined, "there is no link");
  if (body.outcome === "voided")
    return {
      ok: "skipped",
      absent: true,
      reason: "a voided round's journal is not published: it would name who made which meme",
    };
  must(journalTx !== undefined && journal !== undefined, "the journal is not on the chain");
  must(
    journalTx.tx.txid === body.journalTxid,
    "the journal comes from another transaction than the link names",
  );
  if ("problem" in journal) throw new Wrong(journal.problem);
  const first = journal.entries[0]?.record;
  const last = journal.entries.at(-1);
  must(first?.kind === "open" && last !== undefined, "the journal does not begin with the round's rules");
  must(first.body.roundId === roundId, `the journal is of the round ${first.body.roundId}`);
  must(last.hash === body.journalHash, "the journal's fingerprint is not the one in the ledger");
  known.entries = journal.entries;
  return {
    ok: true,
    numbers: { records: journal.entries.length, bytes: journalTx.bytes },
    details: [`Fingerprint ${last.hash}.`],
    txids: [journalTx.tx.txid],
  };
};

/** Numbers without gaps, each hash computed again, each record holding the hash before it (protocol.md 2). */
export const checkChain: Checker = (_evidence, { entries = [] }) => {
  let prev = ZERO_HASH;
  for (const [at, { record, hash }] of entries.entries()) {
    must(record.seq === at + 1, `record ${at + 1} carries the number ${record.seq}`);
    must(record.prev === prev, `record ${record.seq} does not follow from the one before`);
    must(recordHash(record) === hash, `record ${record.seq} has another fingerprint than it says`);
    prev = hash;
  }
  return { ok: true, numbers: { records: entries.length } };
};

interface VoucherChain {
  seq: number;
  last: string;
  entry: Entry;
}

/** The vouchers of each player hang together; gives the last of each. Throws Wrong. */
function voucherChains(entries: readonly Entry[], roundTag: string): Map<string, VoucherChain> {
  const chains = new Map<string, VoucherChain>();
  for (const entry of entries) {
    const { record } = entry;
    if (record.kind !== "enter" && record.kind !== "boost") continue;
    const voucher = decodeVoucher(record.body.voucher);
    must(voucher !== undefined, `the voucher of record ${record.seq} cannot be read`);
    const before = chains.get(voucher.playKey);
    const prev = before === undefined ? ZERO_HASH : voucherHash(before.last);
    const follows = voucher.seq === (before?.seq ?? 0) + 1 && voucher.prev === prev;
    must(
      follows && voucher.roundTag === roundTag,
      `the voucher of record ${record.seq} is out of its player's chain`,
    );
    chains.set(voucher.playKey, { seq: voucher.seq, last: record.body.voucher, entry });
  }
  return chains;
}

/** Each player's last voucher, which covers all before it, and every chat line that was not removed (protocol.md 3). */
export const checkSignatures: Checker = (_evidence, { entries = [] }, { verify }) => {
  const roundTag = (entries[0]?.hash ?? "").slice(0, 32);
  const chains = voucherChains(entries, roundTag);
  let vouchers = 0;
  for (const [playKey, { seq, last, entry }] of chains) {
    vouchers += seq;
    const is = entry.sig !== undefined && verify(fromHex(last), entry.sig, playKey);
    must(is, `the last voucher of the player ${short(playKey)} is not signed by that player`);
  }
  const chat = { signed: 0, removed: 0 };
  for (const { record, sig, private: kept } of entries) {
    if (record.kind !== "chat") continue;
    if (sig === undefined && kept === undefined) {
      chat.removed++;
      continue;
    }
    const { playKey, n } = record.body;
    const is = sig !== undefined && verify(chatBytes(roundTag, playKey, n, kept?.text ?? ""), sig, playKey);
    must(is, `the chat line of record ${record.seq} is not signed by its player`);
    chat.signed++;
  }
  return {
    ok: true,
    numbers: { players: chains.size, vouchers, chatLines: chat.signed, removedLines: chat.removed },
    details: [
      "A voucher holds the fingerprint of the player's voucher before it: the last signature covers them all.",
    ],
  };
};

/** Signatures are another check's: here only what was decided counts. */
const SIGNED = (): boolean => true;

/** Every record but the last is decided again under record 1's rules (R4, E11). */
export const checkRules: Checker = ({ roundId }, known) => {
  const entries = known.entries ?? [];
  let state: RoundState | undefined;
  for (const entry of entries.slice(0, -1)) {
    const { record } = entry;
    const isVoucher = record.kind === "enter" || record.kind === "boost";
    const step = verifyEntry(
      state,
      isVoucher && entry.sig === undefined ? { ...entry, sig: "covered" } : entry,
      SIGNED,
    );
    if (!step.ok) throw new Wrong(`record ${step.seq}: ${step.reason}`);
    state = step.state;
  }
  const last = entries.at(-1)?.record;
  must(state !== undefined && last?.kind === "result", "the journal does not end with a result");
  must(
    state.phase.kind === "settling" && state.phase.frozen !== undefined,
    "the result stands before its time",
  );
  must(last.at >= state.head.at, "the result is earlier than the record before");
  known.state = state;
  known.result = last.body;
  known.computed = computeOutcome(state);
  const { rules } = state.open;
  const boosts = entries.filter(({ record }) => record.kind === "boost").length;
  return {
    ok: true,
    numbers: { players: state.players.size, memes: state.memes.size, boosts },
    details: [
      `Fee ${rules.feeBps / 100} %, jackpot ${rules.carryBps / 100} %, creators ${rules.creatorBps / 100} % of a share.`,
      `Entering ${rules.entrySats} sat, least boost ${rules.minBoostSats} sat, seat fee ${rules.seatFeeSats} sat.`,
      `Round ${roundId}, network ${state.open.network}, ${rules.roundMs / 1000} s long.`,
    ],
  };
};

const tagOf = (entries: readonly Entry[]): string => (entries[0]?.hash ?? "").slice(0, 32);

/** Each head the auditor signed while the round ran is one of this journal's records (M4). */
export const checkHeads: Checker = ({ heads: given }, { entries = [] }) => {
  if (given === undefined || given.heads.length === 0)
    return { ok: "skipped", absent: true, reason: "no signed heads of this round are at hand" };
  const roundTag = tagOf(entries);
  for (const head of given.heads) {
    must(
      isGenuineHead(roundTag, head, given.headKey),
      `the head at record ${head.seq} is not signed by the auditor`,
    );
    must(
      entries[head.seq - 1]?.hash === head.hash,
      `the auditor saw another record ${head.seq} than the journal has`,
    );
  }
  return {
    ok: true,
    numbers: { heads: given.heads.length, last: Math.max(...given.heads.map(({ seq }) => seq)) },
    details: [`Signed by ${given.headKey}.`],
  };
};

/** R9: a receipt the server signed and the journal does not honour shows that somebody lied. */
export const checkReceipts: Checker = ({ receipts = [] }, { entries = [] }) => {
  const first = entries[0]?.record;
  const roundTag = tagOf(entries);
  const receiptKey = first?.kind === "open" ? first.body.receiptKey : "";
  const genuine = receipts.filter((receipt) => isGenuineReceipt(roundTag, receipt, receiptKey));
  const foreign = receipts.length - genuine.length;
  if (receipts.length === 0)
    return { ok: "skipped", absent: true, reason: "you have no receipts of this round here" };
  for (const { seq, at, hash } of genuine) {
    const entry = entries[seq - 1];
    must(
      entry?.hash === hash && entry.record.at === at,
      `your receipt for record ${seq} is of something the journal does not hold`,
    );
  }
  must(
    foreign === 0,
    `${plural(foreign, "receipt")} kept here ${foreign === 1 ? "is" : "are"} not of this journal's round`,
  );
  return { ok: true, numbers: { receipts: genuine.length } };
};
