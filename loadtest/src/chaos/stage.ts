/**
 * The players of a chaos run, ready to boost. Owns: signing in, funding, one meme, everybody's deposit.
 * Does not own: the cluster, what happens then.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import { drawPicture } from "../money/pictures.ts";
import { Random } from "../money/random.ts";
import { type Answer, Player } from "../player.ts";
import { SteadyPlayer } from "./steady.ts";

const FUNDS = 120_000;
const DEPOSIT = 60_000;
const BOOST = 10;
const AT_ONCE = 5;

const must = (answer: Answer, what: string): void => {
  if (!answer.ok) throw new Error(`${what}: ${answer.code} ${answer.message}`);
};

export interface Stage {
  round: Snapshot;
  memeId: string;
  players: SteadyPlayer[];
}

/** Throws what a server says when it does not take somebody. */
export async function prepare(
  options: { players: number; everyMs: number; seed: number },
  urls: () => readonly string[],
  signal: AbortSignal,
): Promise<Stage> {
  const random = new Random(options.seed);
  const urlOf = (index: number): string => urls()[index % urls().length] ?? "";
  const artist = new Player(urlOf(0));
  await artist.signIn();
  const coin = await artist.faucet(FUNDS);
  const meme = await artist.upload(await drawPicture(random), "Unkillable");
  const round = await liveRound(artist, signal);
  await artist.join(round.roomId);
  must(await artist.deposit(round, coin, DEPOSIT), "the artist's deposit");
  must(await artist.enter(round, meme, round.entryPrice), "the meme");
  await artist.leave();
  const players: SteadyPlayer[] = [];
  const one = async (index: number): Promise<void> => {
    const player = new Player(urlOf(index));
    await player.signIn();
    const own = await player.faucet(FUNDS);
    await player.join(round.roomId);
    must(await player.deposit(round, own, DEPOSIT), "a deposit");
    await player.leave();
    const draw = random.fork();
    const deps = { urls, now: Date.now, random: () => draw.next() };
    players.push(new SteadyPlayer(player, { everyMs: options.everyMs, boostSats: BOOST }, deps));
  };
  for (let at = 0; at < options.players; at += AT_ONCE) {
    signal.throwIfAborted();
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, options.players - at) }, (_, more) => one(at + more)),
    );
  }
  return { round, memeId: meme.memeId, players };
}

async function liveRound(player: Player, signal: AbortSignal): Promise<Snapshot> {
  for (let left = 50; left > 0; left--) {
    signal.throwIfAborted();
    const round = await player.current().catch(() => undefined);
    if (round !== undefined) return round;
    await delay(200);
  }
  throw new Error("no round opens");
}
