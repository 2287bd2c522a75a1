/**
 * The journal file MRJ1 (M6, docs/SPEC.md 8.2): a whole round in few bytes. Owns: which value of a record goes to which
 * column, and everything that need not be written because it follows (hashes, voucher chains, numbers). Does not own:
 * packing the file (mrj1-file.ts) or judging the journal (mrj1-verify.ts).
 *
 * Of a voucher there stand the player, the meme and the amount: its seq and prev follow from the player's vouchers
 * before, and the last signature, which covers them all, is the only one kept.
 */
import { concat, toHex } from "./bytes.ts";
import { textBytes } from "./chain-data.ts";
import { canonicalJson, hashJson } from "./hash.ts";
import { type ColumnIo, ColumnReader, ColumnWriter, FileMalformed } from "./mrj1-columns.ts";
import {
  type BodyOf,
  bodies,
  EMPTY_HEAD,
  type Entry,
  type Head,
  headOf,
  type JournalRecord,
  type PrivateText,
  type RecordKind,
  seal,
  ZERO_HASH,
} from "./records.ts";
import { decodeVoucher, encodeVoucher, voucherHash } from "./voucher.ts";

const MAGIC = textBytes("MRJ1");
/** Their places are their numbers in the file. */
const KINDS = Object.keys(bodies) as RecordKind[];
const PHASES = ["blind", "settling"] as const;

/** What follows from the vouchers and lines of one player so far. */
interface PlayerChain {
  seq: number;
  prev: string;
  chatN: number;
  last?: Entry;
}

interface Beside {
  sig?: string;
  private?: PrivateText;
}

class Transcriber {
  private readonly io: ColumnIo;
  /** In the order of first use, which is the order of the last signatures. */
  private readonly chains = new Map<string, PlayerChain>();
  private head: Head = EMPTY_HEAD;
  private roundTag = "";

  constructor(io: ColumnIo) {
    this.io = io;
  }

  /** The next entry: the one given when writing, the one read when reading; its hash is computed here. */
  entry(given: Entry | undefined): Entry {
    const { io } = this;
    const kindAt = io.number("kinds", given === undefined ? undefined : KINDS.indexOf(given.record.kind));
    const kind = KINDS[kindAt];
    if (kind === undefined) throw new FileMalformed(`there is no kind ${kindAt}`);
    const at = this.head.at + io.number("times", given && given.record.at - this.head.at);
    const beside: Beside = {};
    const body = this.body(kind, given, beside);
    const entry = seal(this.head, at, { kind, body } as Parameters<typeof seal>[2], beside);
    this.head = headOf(entry);
    if (entry.record.seq === 1) this.roundTag = entry.hash.slice(0, 32);
    if (kind === "enter" || kind === "boost") {
      const voucher = decodeVoucher((body as BodyOf<"boost">).voucher);
      this.chainOf(voucher?.playKey ?? "").last = given ?? entry;
    }
    return entry;
  }

  /** Each player's last voucher signature. */
  lastSignatures(): void {
    for (const { last } of this.chains.values())
      if (last !== undefined) last.sig = this.io.hex("sigs", 64, last.sig);
  }

  private body(kind: RecordKind, given: Entry | undefined, beside: Beside): JournalRecord["body"] {
    const { io } = this;
    const body = <K extends RecordKind>(_kind: K) => given?.record.body as BodyOf<K> | undefined;
    switch (kind) {
      case "open": {
        const text = io.text("texts", given && canonicalJson(given.record.body));
        const parsed = bodies.open.safeParse(jsonOf(text));
        if (!parsed.success || canonicalJson(parsed.data) !== text)
          throw new FileMalformed("record 1 cannot be read");
        return parsed.data;
      }
      case "deposit": {
        const one = body(kind);
        return {
          playKey: this.key(one?.playKey),
          identity: io.identity(one?.identity),
          txid: io.hex("coins", 32, one?.txid),
          vout: io.number("numbers", one?.vout),
          sats: io.number("numbers", one?.sats),
        };
      }
      case "enter": {
        const one = body(kind);
        const voucher = this.voucher("enter", one?.voucher);
        const rest = { mime: io.text("texts", one?.mime), phash: io.hex("hashes", 8, one?.phash) };
        return { voucher, ...rest, private: this.private("title", given, one?.private, beside) };
      }
      case "boost":
        return { voucher: this.voucher("boost", body(kind)?.voucher) };
      case "chat": {
        const one = body(kind);
        const playKey = this.key(one?.playKey);
        const chain = this.chainOf(playKey);
        chain.chatN += 1;
        const hash = this.private("text", given, one?.private, beside);
        // R10: with the text its signature goes.
        if (beside.private !== undefined) beside.sig = io.hex("sigs", 64, given?.sig);
        return { playKey, n: chain.chatN, private: hash };
      }
      case "report": {
        const one = body(kind);
        return { memeId: this.meme(one?.memeId), playKey: this.key(one?.playKey) };
      }
      case "hide":
      case "unhide":
      case "takedown": {
        const one = body(kind);
        const memeId = this.meme(one?.memeId);
        return { memeId, by: io.text("texts", one?.by), reason: io.text("texts", one?.reason) };
      }
      case "phase": {
        const to = PHASES[io.number("numbers", given && PHASES.indexOf(body(kind)?.to ?? "blind"))];
        if (to === undefined) throw new FileMalformed("there is no such phase");
        return { to };
      }
      case "freeze": {
        const one = body(kind);
        return {
          dropped: io.list(one?.dropped, (outpoint) => this.outpoint(outpoint)),
          voidMemes: io.list(one?.voidMemes, (memeId) => this.meme(memeId)),
        };
      }
      case "result":
        return this.result(body(kind));
      case "void":
        return this.voided(body(kind));
    }
  }

  private result(one: BodyOf<"result"> | undefined): BodyOf<"result"> {
    const { io } = this;
    return {
      ranking: io.list(one?.ranking, (memeId) => this.meme(memeId)),
      payouts: io.list(one?.payouts, (payout) => ({
        playKey: this.key(payout?.playKey),
        won: io.number("amounts", payout?.won),
        returned: io.number("amounts", payout?.returned),
      })),
      fee: io.number("numbers", one?.fee),
      seatFees: io.number("numbers", one?.seatFees),
      carryOut: io.number("numbers", one?.carryOut),
    };
  }

  /** Who cancelled, and what that dropped, stand in few voids: a number says which of the two follow. */
  private voided(one: BodyOf<"void"> | undefined): BodyOf<"void"> {
    const { io } = this;
    const reason = io.text("texts", one?.reason);
    const has = (one?.by === undefined ? 0 : 1) + (one?.dropped === undefined ? 0 : 2);
    const parts = io.number("numbers", one && has);
    if (parts > 3) throw new FileMalformed("a void has no such parts");
    const by = parts % 2 === 1 ? { by: io.text("texts", one?.by) } : {};
    const each = (outpoint: string | undefined): string => this.outpoint(outpoint);
    return { reason, ...by, ...(parts > 1 ? { dropped: io.list(one?.dropped, each) } : {}) };
  }

  private voucher(kind: "enter" | "boost", given: string | undefined): string {
    const want = given === undefined ? undefined : decodeVoucher(given);
    const playKey = this.key(want?.playKey);
    const chain = this.chainOf(playKey);
    chain.seq += 1;
    const memeId = this.meme(want?.memeId);
    const amount = this.io.number("amounts", want?.amount);
    const { seq, prev } = chain;
    const { roundTag } = this;
    const bytes = toHex(encodeVoucher({ roundTag, playKey, seq, kind, memeId, amount, prev }));
    chain.prev = voucherHash(bytes);
    return bytes;
  }

  /** The body's hash of a removable text; the text itself where it still stands. */
  private private(
    name: "text" | "title",
    given: Entry | undefined,
    hash: string | undefined,
    beside: Beside,
  ): string {
    const { io } = this;
    const kept = io.number("numbers", given && (given.private === undefined ? 0 : 1));
    if (kept > 1) throw new FileMalformed("a text is there or it is not");
    if (kept === 0) return io.hex("hashes", 32, hash);
    const salt = io.hex("hashes", 16, given?.private?.salt);
    beside.private = { salt, [name]: io.text("texts", given?.private?.[name]) };
    return hashJson(beside.private);
  }

  private outpoint(given: string | undefined): string {
    const [txid, vout] = given?.split(":") ?? [];
    const read = this.io.hex("coins", 32, txid);
    return `${read}:${this.io.number("numbers", vout === undefined ? undefined : Number(vout))}`;
  }

  private key(given: string | undefined): string {
    const key = this.io.ref("keys", 33, given);
    this.chainOf(key);
    return key;
  }

  private meme(given: string | undefined): string {
    return this.io.ref("memes", 32, given);
  }

  private chainOf(playKey: string): PlayerChain {
    let chain = this.chains.get(playKey);
    if (chain === undefined) {
      chain = { seq: 0, prev: ZERO_HASH, chatN: 0 };
      this.chains.set(playKey, chain);
    }
    return chain;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FileMalformed("record 1 is no JSON");
  }
}

/**
 * A journal as columns, not packed yet. Throws a RangeError when the file could not be read back to the same hashes: a
 * voucher out of its player's chain, a chat line without its signature, a player without a last one.
 */
export function encodeJournal(entries: readonly Entry[]): Uint8Array {
  const writer = new ColumnWriter();
  const transcriber = new Transcriber(writer);
  for (const entry of entries) {
    const back = transcriber.entry(entry);
    if (back.hash !== entry.hash) throw new RangeError(`record ${entry.record.seq} does not follow`);
  }
  transcriber.lastSignatures();
  return concat(MAGIC, writer.finish());
}

/**
 * The journal in a file of columns: every record, all hashes recomputed; of voucher signatures only each player's last.
 * Throws FileMalformed. That the journal is right is another question: mrj1-verify.ts.
 */
export function decodeJournal(file: Uint8Array): Entry[] {
  if (file.length < MAGIC.length || MAGIC.some((byte, at) => file[at] !== byte))
    throw new FileMalformed("it does not begin with MRJ1");
  const reader = new ColumnReader(file.subarray(MAGIC.length));
  const transcriber = new Transcriber(reader);
  const entries: Entry[] = [];
  while (reader.more("kinds")) entries.push(transcriber.entry(undefined));
  transcriber.lastSignatures();
  reader.finish();
  return entries;
}
