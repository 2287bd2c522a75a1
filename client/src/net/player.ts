/**
 * One player in one round (protocol.md 3 and 6). Owns: the voucher chain, chat numbers, what the player has spent,
 * kept in step with `you` and with answers; vouchers and chat lines go out one after the other.
 * Does not own: the socket (round-connection.ts), refs (commands.ts), coins.
 */
import { signCompact } from "@meme-rounds/shared-schema/crypto";
import type { Accepted, You } from "@meme-rounds/shared-schema/messages";
import { chatBytes, signVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";
import { failure, type Outcome } from "../app/model.ts";
import type { CommandAnswer, Commands } from "./commands.ts";

export interface PlayerOptions {
  roundId: string;
  roundTag: string;
  playKey: string;
  /** Read at each signature; throws while the wallet may not sign. */
  readonly secret: Uint8Array;
}

export interface PlayerDeps {
  commands: Commands;
  after: (ms: number, work: () => void) => () => void;
  /** Called whenever `you()` changed. */
  changed: () => void;
  /** Every accepted answer, before its promise resolves. False: the receipt is not the round's. */
  receipt: (accepted: Accepted) => void;
}

export interface Player {
  readonly roundId: string;
  you(): You | undefined;
  heardYou(you: You): void;
  deposit(deposit: { tx: string; txid: string; sats: number }): Promise<Outcome>;
  enter(contentId: string, memeId: string, priceSats: number): Promise<Outcome>;
  boost(memeId: string, sats: number): Promise<Outcome>;
  chat(text: string): Promise<Outcome>;
  report(memeId: string, reason: string): Promise<Outcome>;
}

/** How long a command waits for the room to introduce itself, ms. */
const READY_MS = 10_000;
const STALE = new Set<string>(["VOUCHER_SEQ_STALE", "VOUCHER_CHAIN_BROKEN", "CHAT_OUT_OF_ORDER"]);

export function createPlayer(options: PlayerOptions, deps: PlayerDeps): Player {
  const { roundTag, playKey } = options;
  const { commands } = deps;
  let you: You | undefined;
  let heard = 0;
  let waiters: (() => void)[] = [];
  let line: Promise<unknown> = Promise.resolve();

  /** Resolves true with the next `you`, false when none comes in time. */
  const nextYou = (): Promise<boolean> =>
    new Promise((resolve) => {
      const cancel = deps.after(READY_MS, () => resolve(false));
      waiters.push(() => {
        cancel();
        resolve(true);
      });
    });

  const outcome = (answer: CommandAnswer): Outcome => {
    if (!answer.ok) return answer;
    deps.receipt(answer.accepted);
    return { ok: true };
  };

  const update = (next: You): void => {
    you = next;
    deps.changed();
  };

  /** One after the other: each signs what the answer to the one before left. */
  const inLine = (attempt: (now: You) => Promise<CommandAnswer>): Promise<Outcome> => {
    const work = async (): Promise<Outcome> => {
      if (you === undefined && !(await nextYou())) return failure("OFFLINE", "The round is not connected.");
      if (you === undefined) return failure("OFFLINE", "The round is not connected.");
      const before = heard;
      const answer = await attempt(you);
      if (answer.ok || !STALE.has(answer.code)) return outcome(answer);
      // Another tab was faster. The server says after each refusal where the chain stands: sign again from there.
      if (heard === before) await nextYou();
      return outcome(await attempt(you));
    };
    const result = line.then(work);
    line = result.catch(() => undefined); // Whoever asked hears of it; the next in line goes on.
    return result;
  };

  const spend = (
    kind: "enter" | "boost",
    memeId: string,
    amount: number,
    contentId: string,
  ): Promise<Outcome> =>
    inLine(async (now) => {
      const seq = now.nextSeq;
      const voucher = signVoucher(
        { roundTag, playKey, seq, kind, memeId, amount, prev: now.lastVoucherHash },
        options.secret,
      );
      const answer =
        kind === "enter"
          ? await commands.run("enter", { contentId, voucher })
          : await commands.run("boost", { memeId, voucher });
      // A `you` that came meanwhile may count this voucher already.
      if (answer.ok && you !== undefined && you.nextSeq === seq)
        update({
          ...you,
          nextSeq: seq + 1,
          lastVoucherHash: voucherHash(voucher.bytes),
          spent: you.spent + amount,
          entries: kind === "enter" ? [...you.entries, memeId] : you.entries,
          boosts:
            kind === "boost" ? { ...you.boosts, [memeId]: (you.boosts[memeId] ?? 0) + amount } : you.boosts,
        });
      return answer;
    });

  return {
    roundId: options.roundId,
    you: () => you,
    heardYou(next) {
      heard++;
      update(next);
      const told = waiters;
      waiters = [];
      for (const tell of told) tell();
    },
    async deposit({ tx, txid, sats }) {
      const answer = await commands.run("deposit", { tx });
      if (answer.ok && you !== undefined && !you.deposits.some((one) => one.txid === txid))
        update({ ...you, deposits: [...you.deposits, { txid, vout: 0, sats }] });
      return outcome(answer);
    },
    enter: (contentId, memeId, priceSats) => spend("enter", memeId, priceSats, contentId),
    boost: (memeId, sats) =>
      Number.isSafeInteger(sats) && sats > 0
        ? spend("boost", memeId, sats, "")
        : Promise.resolve(failure("BOOST_TOO_SMALL", "A boost is a whole number of satoshis.")),
    chat: (text) =>
      inLine(async (now) => {
        const n = now.chatNext;
        const sig = signCompact(chatBytes(roundTag, playKey, n, text), options.secret);
        const answer = await commands.run("chat", { text, sig });
        if (answer.ok && you !== undefined && you.chatNext === n) update({ ...you, chatNext: n + 1 });
        return answer;
      }),
    report: async (memeId, reason) => outcome(await commands.run("report", { memeId, reason })),
  };
}
