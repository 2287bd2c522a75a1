/**
 * A round without a server, for tests: one live state and its journal, driven through decide, seal and apply.
 * Owns: actors with keys, commands with the right voucher chain, stub signatures for speed. Holds no rules.
 */
import assert from "node:assert/strict";
import { toHex, utf8 } from "../../src/bytes.ts";
import type { Command } from "../../src/command.ts";
import { publicKeyOf, signCompact, type VerifyCompact, verifyCompact } from "../../src/crypto.ts";
import { decide } from "../../src/decide.ts";
import { sha256, sha256Hex } from "../../src/hash.ts";
import type { WireVoucher } from "../../src/messages.ts";
import { type BodyOf, EMPTY_HEAD, type Entry, seal } from "../../src/records.ts";
import { apply, openState } from "../../src/reducer.ts";
import type { RoundState } from "../../src/round-state.ts";
import { defaultRules, entryPrice, type Rules, roundIdOf } from "../../src/rules.ts";
import { chatBytes, encodeVoucher, type Voucher } from "../../src/voucher.ts";

export const OPENS_AT = 1_800_000_000_000;
const SALT = "ab".repeat(16);

export interface Signer {
  sign(bytes: Uint8Array, who: Actor): string;
  verify: VerifyCompact;
}
export const REAL: Signer = {
  sign: (bytes, who) => signCompact(bytes, who.secret),
  verify: verifyCompact,
};

/** Binds bytes to a key as a signature does, at the cost of a hash: for properties that need thousands. */
export const STUB: Signer = {
  sign: (bytes, who) => stubSig(bytes, who.playKey),
  verify: (bytes, sig, key) => sig === stubSig(bytes, key),
};
const stubSig = (bytes: Uint8Array, key: string): string =>
  sha256Hex(utf8(key + toHex(bytes))) + sha256Hex(bytes);

export interface Actor {
  secret: Uint8Array;
  playKey: string;
  identity: string;
}

/** `name` makes the play key, `owner` the identity: actors of one owner are one identity. */
export function actor(name: string, owner = name): Actor {
  const secret = sha256(utf8(`play ${name}`));
  const identity = `ecdsa-secp256k1:${publicKeyOf(sha256(utf8(`identity ${owner}`)))}`;
  return { secret, playKey: publicKeyOf(secret), identity };
}

export const memeIdOf = (name: string): string => sha256Hex(utf8(`meme ${name}`));
export const txidOf = (name: string): string => sha256Hex(utf8(`tx ${name}`));
/** Perceptual hashes far apart from each other for different names. */
export const phashOf = (name: string): string => memeIdOf(name).slice(0, 16);

const anyKey = (name: string): string => publicKeyOf(sha256(utf8(name)));

export function openBody(rules: Rules, carryIn = 0, opensAt = OPENS_AT): BodyOf<"open"> {
  const closesAt = opensAt + rules.roundMs;
  return {
    network: "devchain",
    arena: "main",
    roundId: roundIdOf("main", opensAt),
    rules,
    operatorKey: anyKey("operator"),
    auditorKey: anyKey("auditor"),
    receiptKey: sha256Hex(utf8("receipt")),
    carryFrom: carryIn === 0 ? [] : [{ roundId: "main-1", sats: carryIn }],
    opensAt,
    blindAt: closesAt - rules.blindMs,
    closesAt,
  };
}

export class TestRound {
  readonly entries: Entry[];
  readonly state: RoundState;
  readonly signer: Signer;
  now: number;

  constructor(
    options: { rules?: Partial<Rules>; carryIn?: number; signer?: Signer; receiptKey?: string } = {},
  ) {
    const rules = { ...defaultRules(600, 100), ...options.rules };
    const made = openBody(rules, options.carryIn);
    const body = { ...made, receiptKey: options.receiptKey ?? made.receiptKey };
    const first = seal(EMPTY_HEAD, OPENS_AT, { kind: "open", body });
    this.entries = [first];
    this.state = openState(first);
    this.signer = options.signer ?? STUB;
    this.now = OPENS_AT;
  }

  /** Decides and, when accepted, appends. Returns the refusal's code or "ok". */
  try(command: Command): string {
    const decision = decide(this.state, command, this.now, this.signer.verify);
    if (!decision.ok) return decision.code;
    const { sig, private: text } = decision;
    const beside = {
      ...(sig === undefined ? {} : { sig }),
      ...(text === undefined ? {} : { private: text }),
    };
    const entry = seal(this.state.head, this.now, decision.draft, beside);
    apply(this.state, entry);
    this.entries.push(entry);
    return "ok";
  }

  must(command: Command): void {
    assert.equal(this.try(command), "ok", `refused: ${command.kind}`);
  }

  voucher(who: Actor, kind: Voucher["kind"], memeId: string, amount: number, patch: Partial<Voucher> = {}) {
    const player = this.state.players.get(who.playKey);
    const bytes = encodeVoucher({
      roundTag: this.state.roundTag,
      playKey: who.playKey,
      seq: player?.nextSeq ?? 1,
      kind,
      memeId,
      amount,
      prev: player?.lastVoucherHash ?? "0".repeat(64),
      ...patch,
    });
    return { bytes: toHex(bytes), sig: this.signer.sign(bytes, who) } satisfies WireVoucher;
  }

  deposit(who: Actor, sats: number, tx = `${who.playKey} ${this.entries.length}`): Command {
    const { playKey, identity } = who;
    return { kind: "deposit", playKey, identity, txid: txidOf(tx), vout: 0, sats };
  }

  enter(who: Actor, name: string, amount = entryPrice(this.state.open.rules, this.state.memes.size)) {
    const { playKey, identity } = who;
    const memeId = memeIdOf(name);
    const content = { memeId, mime: "image/webp", phash: phashOf(name), title: `The ${name}`, identity };
    const voucher = this.voucher(who, "enter", memeId, amount);
    return { kind: "enter", playKey, identity, voucher, content, salt: SALT } satisfies Command;
  }

  boost(who: Actor, name: string, amount: number, patch: Partial<Voucher> = {}) {
    const { playKey, identity } = who;
    const memeId = memeIdOf(name);
    const voucher = this.voucher(who, "boost", memeId, amount, patch);
    return { kind: "boost", playKey, identity, memeId, voucher } satisfies Command;
  }

  chat(who: Actor, text: string, n = this.state.players.get(who.playKey)?.chatNext ?? 1) {
    const { playKey, identity } = who;
    const sig = this.signer.sign(chatBytes(this.state.roundTag, playKey, n, text), who);
    return { kind: "chat", playKey, identity, text, sig, salt: SALT } satisfies Command;
  }

  /** Moves the clock to `ms` after opening, writing the phase records that are due. */
  at(ms: number): this {
    this.now = this.state.open.opensAt + ms;
    if (this.now >= this.state.open.blindAt && this.state.phase.kind === "open")
      this.must({ kind: "phase", to: "blind" });
    if (this.now >= this.state.open.closesAt && this.state.phase.kind === "blind")
      this.must({ kind: "phase", to: "settling" });
    return this;
  }

  /** Closes, freezes and finishes. */
  end(dropped: string[] = []): this {
    this.at(this.state.open.rules.roundMs);
    this.must({ kind: "freeze", dropped });
    this.must({ kind: "finish" });
    return this;
  }
}
