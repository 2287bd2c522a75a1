/**
 * The edge of the room: from a message off the wire to one answer (R4, R9).
 * Owns: schema, limits per message kind, turning messages into commands. Does not own: rules, sockets.
 */
import { randomBytes } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import {
  type ClientMessage,
  type ClientMessageKind,
  clientMessages,
  type You,
} from "@meme-rounds/shared-schema/messages";
import { ZERO_HASH } from "@meme-rounds/shared-schema/records";
import type { Caller } from "../infra/http.ts";
import type { SharedLimiter, Standing } from "../infra/limiter.ts";
import { LIMITS } from "../infra/limits.ts";
import type { Logger } from "../infra/logger.ts";
import type { Answer, RoundActor } from "./actor.ts";
import { takeDeposit } from "./deposit-desk.ts";
import type { Seated } from "./door.ts";
import type { AuthPort, ContentPort, PaymentPort } from "./ports.ts";

type AnsweredKind = Exclude<ClientMessageKind, "watch">;

export interface CommandDeps {
  auth: Pick<AuthPort, "play">;
  content: ContentPort;
  payment: PaymentPort;
  limiter: Pick<SharedLimiter, "judge">;
  logger: Logger;
  now(): number;
}

/** Where a later answer goes (a deposit the network was slow about). */
export type Later = (answer: Answer) => void;

/** What a message may lead to besides its answer. */
export interface Sender {
  later: Later;
  /** I5: its socket is to be closed after the answer. */
  kick(): void;
}

export class CommandEdge {
  private readonly actor: RoundActor;
  private readonly deps: CommandDeps;
  /** The judgement each player waits for, if it waits. */
  private readonly turns = new Map<string, Promise<Standing>>();

  constructor(actor: RoundActor, deps: CommandDeps) {
    this.actor = actor;
    this.deps = deps;
  }

  /** Answers every message, whatever is in it. Never throws. */
  async handle(kind: AnsweredKind, raw: unknown, caller: Seated, sender: Sender): Promise<Answer> {
    const ref = refOf(raw);
    try {
      const parsed = clientMessages[kind].safeParse(raw);
      await this.limit(parsed.success ? kind : undefined, caller, sender);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        return this.actor.rejected(
          ref,
          "BAD_REQUEST",
          `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
        );
      }
      return await this.dispatch(kind, parsed.data, caller, sender.later);
    } catch (error) {
      if (error instanceof CodedError) return this.actor.rejected(ref, error.code, error.message);
      this.deps.logger.error({ err: error, kind }, "a command failed");
      return this.actor.rejected(ref, "INTERNAL");
    }
  }

  /**
   * What a player needs to sign the next voucher; zeros for somebody new (protocol.md 6). Only what is durable is in it.
   * Rejects with UNAVAILABLE when the round is lost here.
   */
  you({ playKey, identity }: Caller): Promise<You> {
    return this.actor.read(({ players }) => {
      const player = players.get(playKey);
      return {
        playKey,
        identity,
        deposits: player?.deposits.map(({ txid, vout, sats }) => ({ txid, vout, sats })) ?? [],
        spent: player?.spent ?? 0,
        nextSeq: player?.nextSeq ?? 1,
        lastVoucherHash: player?.lastVoucherHash ?? ZERO_HASH,
        chatNext: player?.chatNext ?? 1,
        entries: player ? [...player.entries] : [],
        boosts: Object.fromEntries(player?.boosts ?? []),
      };
    });
  }

  /** Throws RATE_LIMITED. */
  private async limit(kind: AnsweredKind | undefined, caller: Seated, sender: Sender): Promise<void> {
    const { verdict, resetMs } = await this.inTurn(caller.playKey, () => this.judge(kind, caller));
    if (verdict === "ok") return;
    if (verdict === "kick") sender.kick();
    throw new CodedError("RATE_LIMITED", `Try again in ${Math.ceil(resetMs / 1_000)} s.`);
  }

  /** I5: an address is counted for all it sends, an identity for what has the shape of its kind. */
  private judge(kind: AnsweredKind | undefined, { identity, ip }: Seated): Standing | Promise<Standing> {
    const { limiter } = this.deps;
    const own = (all: Standing) =>
      all.verdict === "ok" && kind !== undefined ? limiter.judge(LIMITS[kind], identity) : all;
    const all = limiter.judge(LIMITS.messages, { ip });
    return all instanceof Promise ? all.then(own) : own(all);
  }

  /** Vouchers are a chain: one whose limit has to be asked for is not overtaken by the next of its player. */
  private inTurn(playKey: string, judge: () => Standing | Promise<Standing>): Standing | Promise<Standing> {
    const before = this.turns.get(playKey);
    const mine = before === undefined ? judge() : before.then(judge, judge);
    if (!(mine instanceof Promise)) return mine;
    this.turns.set(playKey, mine);
    const over = (): void => {
      if (this.turns.get(playKey) === mine) this.turns.delete(playKey);
    };
    mine.then(over, over);
    return mine;
  }

  private dispatch(kind: AnsweredKind, message: unknown, caller: Caller, later: Later): Promise<Answer> {
    switch (kind) {
      case "deposit":
        return takeDeposit(message as ClientMessage<"deposit">, caller, later, this.actor, this.deps);
      case "enter":
        return this.enter(message as ClientMessage<"enter">, caller);
      case "boost":
        return this.boost(message as ClientMessage<"boost">, caller);
      case "chat": {
        const { ref, text, sig } = message as ClientMessage<"chat">;
        const { playKey, identity } = caller;
        if (this.deps.content.judgeText(text).verdict === "rejected")
          return Promise.resolve(this.actor.rejected(ref, "CHAT_REFUSED"));
        const salt = randomBytes(16).toString("hex");
        return this.actor.submit(
          { kind, playKey, identity, text, sig, salt },
          { playKey, ref, payload: message },
        );
      }
      case "report":
        return this.report(message as ClientMessage<"report">, caller);
    }
  }

  /** R12: the journal counts it, a moderator looks into it. */
  private async report(message: ClientMessage<"report">, { playKey }: Caller): Promise<Answer> {
    const { ref, memeId, reason } = message;
    const answer = await this.actor.submit(
      { kind: "report", playKey, memeId },
      { playKey, ref, payload: message },
    );
    if (answer.ok) await this.deps.content.reported({ roundId: this.actor.open.roundId, memeId, reason });
    return answer;
  }

  private async boost(message: ClientMessage<"boost">, { playKey, identity }: Caller): Promise<Answer> {
    const { ref, memeId, voucher } = message;
    await this.deps.auth.play.admit(identity, "boost");
    return await this.actor.submit(
      { kind: "boost", playKey, identity, memeId, voucher },
      { playKey, ref, payload: message },
    );
  }

  private async enter(message: ClientMessage<"enter">, caller: Caller): Promise<Answer> {
    const { ref, contentId, voucher } = message;
    await this.deps.auth.play.admit(caller.identity, "enter");
    const content = await this.deps.content.contentOf(contentId);
    if (content === undefined) return this.actor.rejected(ref, "CONTENT_UNKNOWN");
    if (content.identity !== caller.identity) return this.actor.rejected(ref, "CONTENT_NOT_YOURS");
    if (content.status !== "approved") return this.actor.rejected(ref, "CONTENT_NOT_APPROVED");
    const { playKey, identity } = caller;
    const { memeId, mime, phash, title } = content;
    return await this.actor.submit(
      {
        kind: "enter",
        playKey,
        identity,
        voucher,
        content: { memeId, mime, phash, title, identity: content.identity },
        salt: randomBytes(16).toString("hex"),
      },
      { playKey, ref, payload: message },
    );
  }
}

function refOf(raw: unknown): string {
  if (typeof raw !== "object" || raw === null || !("ref" in raw)) return "";
  return typeof raw.ref === "string" ? raw.ref.slice(0, 64) : "";
}
