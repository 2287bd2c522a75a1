/**
 * Two people play one round as the page would: sign in, put coins in, one enters, the other backs it, and each checks the
 * receipts it was given. Owns: their steps. Throws in words at the first thing that is wrong.
 */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { isGenuineReceipt } from "@meme-rounds/shared-schema/receipt";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { drawPicture } from "../money/pictures.ts";
import { Random } from "../money/random.ts";
import { type Answer, Player } from "../player.ts";
import type { Histogram } from "../report/index.ts";
import { readSnapshot, type Watching } from "./outside.ts";

/** Everything has to fit into what is left of the round, ms. */
const NEEDED_MS = 7_000;
const LOOK_MS = 300;
const DEPOSIT_SATS = 20_000;
const COIN_SATS = 40_000;
const BOOST_SATS = 50;
const SHOWN_MS = 4_000;

export interface Played {
  roundId: string;
  memeId: string;
  receipts: number;
  boostSats: number;
}

/** A round with enough time left in it, the live one or the next. Throws after `withinMs`. */
export async function playableRound(url: string, withinMs: number, signal: AbortSignal): Promise<Snapshot> {
  const end = performance.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const round = await readSnapshot(url).catch((error: unknown) => {
      // Between two rounds there is none for a moment.
      if (performance.now() > end) throw error;
    });
    const left = round ? Math.min(round.depositsCloseAt, round.blindAt) - round.serverTime : 0;
    if (round !== undefined && left > NEEDED_MS) return round;
    if (performance.now() > end) throw new Error(`no round was open for long enough within ${withinMs} ms`);
    await delay(LOOK_MS, undefined, { signal });
  }
}

function accepted(what: string, answer: Answer, round: Snapshot): Answer & { ok: true } {
  if (!answer.ok) throw new Error(`${what} was refused: ${answer.code} ${answer.message}`);
  if (!isGenuineReceipt(round.roundTag, answer, round.receiptKey))
    throw new Error(`the receipt for ${what} is not signed by the round's key`);
  return answer;
}

/** Two signed in players with coins and one's picture, ready for any round. */
export async function makePlayers(url: string): Promise<{
  creator: Player;
  backer: Player;
  content: { contentId: string; memeId: string };
  coins: [Awaited<ReturnType<Player["faucet"]>>, Awaited<ReturnType<Player["faucet"]>>];
}> {
  const [creator, backer] = [new Player(url), new Player(url)];
  await creator.signIn();
  await backer.signIn();
  const coins: [Awaited<ReturnType<Player["faucet"]>>, Awaited<ReturnType<Player["faucet"]>>] = [
    await creator.faucet(COIN_SATS),
    await backer.faucet(COIN_SATS),
  ];
  const picture = await drawPicture(new Random(randomInt(2 ** 32 - 1)));
  const content = await creator.upload(picture, "A smoke signal");
  if (content.status !== "approved")
    throw new Error(`the picture is ${content.status}: ${content.reasons.join(", ")}`);
  return { creator, backer, content, coins };
}

/** Plays in `round`; `watching` has to see the boost. `acks` is told how long each answer took, ms. */
export async function playRound(
  round: Snapshot,
  { creator, backer, content, coins }: Awaited<ReturnType<typeof makePlayers>>,
  watching: Watching,
  acks: Histogram,
): Promise<Played> {
  let receipts = 0;
  const timed = async (what: string, answer: Promise<Answer>): Promise<void> => {
    const from = performance.now();
    accepted(what, await answer, round);
    acks.record(performance.now() - from);
    receipts++;
  };
  await creator.join(round.roomId);
  await backer.join(round.roomId);
  try {
    await timed("a deposit", creator.deposit(round, coins[0], DEPOSIT_SATS));
    await timed("a deposit", backer.deposit(round, coins[1], DEPOSIT_SATS));
    const price = watching.state().entryPrice || round.entryPrice;
    await timed("an entry", creator.enter(round, content, price));
    await timed("a boost", backer.boost(round, content.memeId, BOOST_SATS));
    await timed("a boost", backer.boost(round, content.memeId, BOOST_SATS));
    const boostSats = await shown(watching, content.memeId, 2 * BOOST_SATS);
    return { roundId: round.roundId, memeId: content.memeId, receipts, boostSats };
  } finally {
    await creator.leave();
    await backer.leave();
  }
}

/** Waits until the spectator sees that many sats on the meme; sat. */
async function shown(watching: Watching, memeId: string, atLeast: number): Promise<number> {
  const end = performance.now() + SHOWN_MS;
  for (;;) {
    const sats = watching.state().memes.get(memeId)?.boostSats ?? 0;
    if (sats >= atLeast) return sats;
    if (performance.now() > end)
      throw new Error(
        `a spectator sees ${sats} sat on a meme that was given ${atLeast}, ${SHOWN_MS} ms later`,
      );
    await delay(LOOK_MS / 3);
  }
}
