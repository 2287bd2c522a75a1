/**
 * The round's mailbox: commands go in, answers come out, the journal grows in between (R4).
 * Owns: order, group commit, idempotence by ref, receipts. Does not own: rules (shared-schema), sockets, the clock.
 *
 * Commands are decided one after the other against the state, a batch is appended in one durable step, and only
 * then is anything acknowledged or shown. While an append is under way the state is ahead of the journal, and nobody
 * else sees it: `read` waits. When an append fails it stays ahead: the actor refuses everything from then on, and its
 * owner must throw it away and replay.
 */
import { type Command, decide } from "@meme-rounds/shared-schema/decide";
import { CodedError, ERRORS, type ErrorCode } from "@meme-rounds/shared-schema/errors";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { acceptedBytes, rejectedBytes } from "@meme-rounds/shared-schema/receipt";
import { type Entry, seal } from "@meme-rounds/shared-schema/records";
import { apply } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import type { CommandMark, StoredEntry } from "./journal-store.ts";
import { type Answer, type Outcome, type RefBook, type Written, writtenAs } from "./refs.ts";

export type { Answer } from "./refs.ts";

/** Who sent a command under which ref; absent for the room's own commands. */
export interface Sender {
  playKey: string;
  ref: string;
  /** What the client sent, for telling a repeat from a reuse. */
  payload: unknown;
}

export interface ActorDeps {
  /** Durable, all or nothing. A throw ends this actor. */
  append(items: readonly StoredEntry[]): Promise<void>;
  verify(bytes: Uint8Array, sigHex: string, publicKeyHex: string): boolean;
  /** Ed25519 by the receipt key, hex. */
  sign(bytes: Uint8Array): string;
  now(): number;
  /** Others get their turn between the long steps of the room's own commands: its result names 10,000 players. */
  pause?(): Promise<unknown>;
  /** The scoreboard goes dark with the next record (R6): the state is still as it was last shown to be. */
  beforeBlind?(state: RoundState): void;
  /** Called after each durable batch, before its answers go out; `state` is the journal's up to the last of them. */
  onCommitted(entries: readonly Entry[], state: RoundState): void;
  onFailed(error: unknown): void;
}

interface Waiting {
  command: Command;
  mark: CommandMark | undefined;
  resolve(answer: Answer): void;
}

/** Somebody who looks at the state once it is durable. */
interface Reader {
  look(): void;
  refuse(error: CodedError): void;
}

/** At most this many commands wait; beyond it they are refused with RATE_LIMITED. */
const MAX_WAITING = 20_000;
/** Commands in one durable step: deciding and answering them keeps the process busy for some 20 ms, and no longer. */
const MAX_BATCH = 128;

export class RoundActor {
  /** What never changes after record 1. */
  readonly open: Readonly<RoundState["open"]>;
  private readonly state: RoundState;
  private readonly deps: ActorDeps;
  private readonly waiting: Waiting[] = [];
  private readonly readers: Reader[] = [];
  private readonly refs: RefBook;
  private running = false;
  private idle: (() => void)[] = [];
  private closed = false;
  /** The state has what the journal may not have: while an append is under way, and for good once one has failed. */
  private ahead = false;
  private failed = false;

  /** `refs`: what the journal says was answered; it restores idempotence after a takeover. */
  constructor(state: RoundState, refs: RefBook, deps: ActorDeps) {
    this.open = state.open;
    this.state = state;
    this.refs = refs;
    this.deps = deps;
  }

  /**
   * Takes nothing more (R11): what is being written is written and answered; the rest is refused with UNAVAILABLE, for the
   * same again to reach the round's next process. Resolves when the last answer is given.
   */
  async close(): Promise<void> {
    this.closed = true;
    for (const { mark, resolve } of this.waiting.splice(0))
      resolve(this.rejected(mark?.ref ?? "", "UNAVAILABLE"));
    if (this.running) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  /**
   * What `look` makes of the state, which then is the journal's and nothing else (R4): at once where nothing is being
   * written, else right after. `look` keeps nothing of it: only a final round's state changes no more.
   * Rejects with UNAVAILABLE where the append under way was lost, or one before it.
   */
  read<T>(look: (state: RoundState) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const reader: Reader = {
        look: () => {
          try {
            resolve(look(this.state));
          } catch (error) {
            reject(error);
          }
        },
        refuse: reject,
      };
      if (this.failed) reader.refuse(new CodedError("UNAVAILABLE"));
      else if (this.ahead) this.readers.push(reader);
      else reader.look();
    });
  }

  /** What the rules would say at `now` (ms) by what is durable, without doing it. Rejects like `read`. */
  async preview(command: Command, now: number): Promise<ErrorCode | undefined> {
    const verdict = await this.read((state) => decide(state, command, now, this.deps.verify));
    return verdict.ok ? undefined : verdict.code;
  }

  /** Queues a command and resolves with its receipt once it is durable, or with the refusal. */
  submit(command: Command, sender?: Sender): Promise<Answer> {
    const mark = sender && {
      playKey: sender.playKey,
      ref: sender.ref,
      digest: hashJson(sender.payload),
    };
    if (mark) {
      const first = this.refs.get(mark.playKey, mark.ref);
      if (first?.digest === mark.digest) return this.again(mark.ref, first.outcome);
      if (first) return Promise.resolve(this.rejected(mark.ref, "REF_REUSED"));
    }
    const ref = mark?.ref ?? "";
    if (this.closed || this.failed) return Promise.resolve(this.rejected(ref, "UNAVAILABLE"));
    if (this.waiting.length >= MAX_WAITING) return Promise.resolve(this.rejected(ref, "RATE_LIMITED"));
    const answer = new Promise<Answer>((resolve) => {
      this.waiting.push({ command, mark, resolve });
    });
    if (mark) this.refs.note(mark, { kind: "waiting", answer });
    void this.run();
    return answer;
  }

  /** A refusal made outside the rules (limits, schema), signed like every other. */
  rejected(ref: string, code: ErrorCode, message?: string): Answer {
    const sig = this.deps.sign(rejectedBytes(this.state.roundTag, ref, code));
    return { ok: false, ref, code, message: message ?? ERRORS[code].sentence, sig };
  }

  private accepted({ seq, at, hash }: Written, ref: string): Answer {
    const sig = this.deps.sign(acceptedBytes(this.state.roundTag, seq, at, hash));
    return { ok: true, ref, seq, at, hash, sig };
  }

  /** The answer that a command got: the signature of the same bytes is the same. */
  private async again(ref: string, outcome: Outcome): Promise<Answer> {
    switch (outcome.kind) {
      case "waiting":
        return await outcome.answer;
      case "accepted":
        return this.accepted(outcome, ref);
      case "rejected":
        return this.rejected(ref, outcome.code, outcome.message);
    }
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      while (this.waiting.length > 0 && !this.failed) {
        await this.commit(this.waiting.splice(0, MAX_BATCH));
        // Under load one append follows the other: between two of them is the only time to look, after the answers.
        if (this.readers.length > 0) await this.deps.pause?.();
        for (const { look } of this.readers.splice(0)) look();
      }
    } finally {
      this.running = false;
      for (const tell of this.idle.splice(0)) tell();
    }
  }

  private async commit(batch: readonly Waiting[]): Promise<void> {
    const items: StoredEntry[] = [];
    const answers: (() => void)[] = [];
    for (const { command, mark, resolve } of batch) {
      const ref = mark?.ref ?? "";
      const verdict = decide(this.state, command, this.deps.now(), this.deps.verify);
      if (!verdict.ok) {
        const { code, message } = verdict;
        answers.push(() => {
          if (mark) this.refs.settle(mark, { kind: "rejected", code, message });
          resolve(this.rejected(ref, code, message));
        });
        continue;
      }
      const beside = {
        ...(verdict.sig === undefined ? {} : { sig: verdict.sig }),
        ...(verdict.private === undefined ? {} : { private: verdict.private }),
      };
      const { draft } = verdict;
      if (!mark) await this.deps.pause?.();
      if (draft.kind === "phase" && draft.body.to === "blind") this.deps.beforeBlind?.(this.state);
      this.ahead = true;
      const entry = seal(this.state.head, this.deps.now(), draft, beside);
      apply(this.state, entry);
      if (!mark) await this.deps.pause?.();
      items.push(mark ? { entry, mark } : { entry });
      const written = writtenAs(entry);
      answers.push(() => {
        if (mark) this.refs.settle(mark, written);
        resolve(this.accepted(written, ref));
      });
    }
    if (items.length > 0) {
      try {
        await this.deps.append(items);
      } catch (error) {
        this.fail(batch, error);
        return;
      }
      this.ahead = false;
      this.deps.onCommitted(
        items.map((item) => item.entry),
        this.state,
      );
    }
    for (const answer of answers) answer();
  }

  /** Nobody is told "accepted" or "refused by the rules": the journal alone knows; a resend by ref finds out. */
  private fail(batch: readonly Waiting[], error: unknown): void {
    this.failed = true;
    for (const { refuse } of this.readers.splice(0)) refuse(new CodedError("UNAVAILABLE"));
    for (const { mark, resolve } of [...batch, ...this.waiting.splice(0)])
      resolve(this.rejected(mark?.ref ?? "", "UNAVAILABLE"));
    this.deps.onFailed(error);
  }
}
