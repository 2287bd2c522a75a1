/**
 * All the players of the soak. Owns: who there is, giving everybody coins, sending them into each round as it opens.
 * Does not own: what one of them does (plan.ts, soaker.ts), the cluster.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Snapshot, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { giveCoins } from "./bank.ts";
import type { DevchainView } from "./chain-view.ts";
import { drawPicture } from "./pictures.ts";
import { planRound } from "./plan.ts";
import type { PlayerNotes } from "./prove-players.ts";
import { LARGEST_DEPOSIT } from "./purse.ts";
import type { Random } from "./random.ts";
import { type Grudge, Soaker } from "./soaker.ts";
import type { Tally } from "./tally.ts";

export interface CrowdOptions {
  players: number;
  /** How many of them enter a meme, round after round. */
  entrants: number;
  /** Double spenders a round; each is a new identity, since one that was caught is not trusted any more. */
  cheatsPerRound: number;
  /** Of them, those who wait for a reorganisation, 0..1. */
  reorgCheats: number;
  /** Rounds that will be played, about. */
  rounds: number;
}

export interface CrowdDeps {
  gameUrls(): string[];
  chain: DevchainView;
  tally: Tally;
  random: Random;
}

const LOOK_MS = 250;
const LOOK_TIMEOUT_MS = 2_000;
/** A round is played when at least this much of it is left, ms. */
const WORTH_MS = 12_000;
const SPARE_COINS = 4;
const UPLOAD_MS = 60_000;
const PARALLEL_UPLOADS = 4;

export class Crowd {
  readonly roundsPlayed: string[] = [];
  private readonly options: CrowdOptions;
  private readonly deps: CrowdDeps;
  private readonly members: Soaker[] = [];
  private readonly cheats: Soaker[] = [];
  /** Every double spender there ever was. */
  private readonly caught: Soaker[] = [];
  private live: Snapshot | undefined;

  constructor(options: CrowdOptions, deps: CrowdDeps) {
    this.options = options;
    this.deps = deps;
  }

  get notes(): PlayerNotes[] {
    return [...this.members, ...this.cheats, ...this.caught].map(({ notes }) => notes);
  }

  /** Deposits of double spenders who have not struck yet: with them unmined there is something to win. */
  unwanted(): string[] {
    return this.caught.flatMap((one) => one.unwanted ?? []);
  }

  /** Second spends of deposits, kept for a reorganisation; the newest last. */
  grudges(): Grudge[] {
    return this.caught.flatMap((one) => one.grudge ?? []);
  }

  get current(): Snapshot | undefined {
    return this.live;
  }

  /** Makes everybody, with coins in blocks, and the entrants' pictures. */
  async gather(): Promise<void> {
    const { players, entrants, cheatsPerRound, rounds } = this.options;
    for (let at = 0; at < players; at++) this.members.push(this.make(at));
    for (let at = 0; at < cheatsPerRound * rounds; at++) this.cheats.push(this.make(players + at));
    const wishes = [
      ...this.members.flatMap(({ playKey }) => Array.from({ length: rounds + SPARE_COINS }, () => playKey)),
      ...this.cheats.map(({ playKey }) => playKey),
    ];
    const byKey = new Map([...this.members, ...this.cheats].map((one) => [one.playKey, one]));
    const { random, chain } = this.deps;
    const coins = await giveCoins(
      wishes.map((playKey) => ({ playKey, sats: LARGEST_DEPOSIT + random.int(1, 60_000) })),
      new Uint8Array(randomBytes(32)),
      chain,
    );
    for (const [at, playKey] of wishes.entries()) {
      const coin = coins[at];
      if (coin) byKey.get(playKey)?.give(coin);
    }
    const waiting = this.members.slice(0, entrants);
    const endsAt = Date.now() + UPLOAD_MS;
    await Promise.all(
      Array.from({ length: PARALLEL_UPLOADS }, async () => {
        for (let one = waiting.shift(); one; one = waiting.shift())
          await one.upload(await drawPicture(random.fork()), endsAt);
      }),
    );
  }

  private make(index: number): Soaker {
    return new Soaker(index, new Uint8Array(randomBytes(32)), {
      ...this.deps,
      current: () => this.live,
      memes: () => this.live?.memes.map(({ memeId }) => memeId) ?? [],
    });
  }

  /** Looks at the live round over and over until the signal fires: one look for everybody. */
  async watch(signal: AbortSignal): Promise<void> {
    for (let at = 0; !signal.aborted; at++) {
      const urls = this.deps.gameUrls();
      const url = urls[at % Math.max(1, urls.length)];
      try {
        if (url !== undefined) this.live = await look(url);
      } catch (error) {
        this.deps.tally.count("looks at the live round that failed");
        if (!(error instanceof Error)) throw error;
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Plays every round that begins before `endsAt` (ms); resolves when the last one's players are done. */
  async play(endsAt: number, signal: AbortSignal): Promise<void> {
    const running: Promise<void>[] = [];
    let last = "";
    while (Date.now() < endsAt && !signal.aborted) {
      const round = this.live;
      if (round && round.roundId !== last && round.closesAt - Date.now() > WORTH_MS) {
        last = round.roundId;
        this.roundsPlayed.push(last);
        running.push(this.sendIn(round, signal));
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(running);
  }

  private async sendIn(round: Snapshot, signal: AbortSignal): Promise<void> {
    const { entrants, cheatsPerRound, reorgCheats } = this.options;
    const shape = {
      reorgCheats,
      roundMs: round.closesAt - round.opensAt,
      depositCloseMs: round.closesAt - round.depositsCloseAt,
    };
    const cheats = this.cheats.splice(0, cheatsPerRound);
    this.caught.push(...cheats);
    const going = [
      ...this.members.map((one, at) => ({ one, isEntrant: at < entrants, isCheat: false })),
      ...cheats.map((one) => ({ one, isEntrant: false, isCheat: true })),
    ];
    await Promise.all(
      going.map(({ one, ...kind }) =>
        one.play(round, planRound(this.deps.random, { ...shape, ...kind }), signal),
      ),
    );
  }
}

async function look(url: string): Promise<Snapshot> {
  const response = await fetch(`${url}/api/rounds/current`, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) });
  const json: unknown = await response.json();
  if (!response.ok) throw new Error(`no live round: ${response.status}`);
  return snapshotSchema.parse(json);
}
