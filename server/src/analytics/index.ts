/**
 * The Analytics Service's public face (O1). Owns: its routes, and being told of finished rounds. Everything else in
 * this folder is private to it.
 */

import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { leaderboardAnswer, statsAnswer } from "@meme-rounds/shared-schema/rest";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { z } from "zod";
import { type Route, route } from "../infra/http.ts";
import type { PersonalData } from "../infra/personal-data.ts";
import type { Redis } from "../infra/redis.ts";
import { ActivityBook } from "./activity.ts";
import { activityData } from "./activity-data.ts";
import { activityRoute } from "./activity-route.ts";
import { activityOf, activityOfVoid } from "./activity-sums.ts";
import { Board, boardWindows, type FinishedRound } from "./board.ts";

export type { FinishedRound } from "./board.ts";

export interface AnalyticsDeps {
  redis: Redis;
  /** Display names of play keys; absent for one that never signed in. */
  namesOf(playKeys: readonly string[]): Promise<Map<string, string>>;
  /** A finished round as everybody may see it. Absent: players' rounds are listed without names and pictures. */
  finished?(roundId: string): Promise<RoundDetail | undefined>;
  /** M6: identities by play key, of those that are known; asked for rounds without a journal. Absent: none is. */
  ownersOf?(playKeys: readonly string[]): Promise<Map<string, string>>;
  /** ms since the epoch. */
  now(): number;
}

export interface AnalyticsService {
  routes: Route[];
  /**
   * Counts a finished round, once. `state` is its journal's end; without it (M6: a voided round has no file on the
   * chain) its players are those whose identity is known. Throws when `state` is not final.
   */
  roundFinished(round: FinishedRound & { opensAt: number }, state?: RoundState): Promise<void>;
  /** M4: the round was counted as `before` and is void by now, as `state` says. Any number of times. */
  roundVoided(before: FinishedRound, after: FinishedRound, state: RoundState): Promise<void>;
  /** Whether the identity entered this meme in a round that is listed for it. */
  hasEntered(identity: string, memeId: string): Promise<boolean>;
  /** I6: the rounds of a person. */
  personalData: PersonalData;
}

const TOP = 100;
const arena = z.string().min(1).max(32).default("main");

export function createAnalyticsService(deps: AnalyticsDeps): AnalyticsService {
  const { redis, namesOf, now } = deps;
  const board = new Board(redis);
  const book = new ActivityBook(redis);
  return {
    routes: [
      route({
        method: "get",
        path: "/leaderboard",
        summary: "Who won most: this UTC day, the last 7, or ever",
        auth: "none",
        query: z.object({ arena, window: z.enum(boardWindows).default("day") }),
        answer: leaderboardAnswer,
        cache: "public, max-age=10",
        holdMs: 1_000,
        errors: ["BAD_REQUEST"],
        async handler({ query }) {
          const rows = await board.top(query.arena, query.window, TOP, now());
          const names = await namesOf(rows.map(({ playKey }) => playKey));
          return {
            window: query.window,
            rows: rows.map((row, at) => {
              const name = names.get(row.playKey);
              return { rank: at + 1, ...row, ...(name === undefined ? {} : { name }) };
            }),
          };
        },
      }),
      route({
        method: "get",
        path: "/stats",
        summary: "Sums over all finished rounds, sat",
        auth: "none",
        query: z.object({ arena }),
        answer: statsAnswer,
        cache: "public, max-age=10",
        holdMs: 1_000,
        errors: ["BAD_REQUEST"],
        handler: ({ query }) => board.stats(query.arena),
      }),
      activityRoute({ book, finished: async (roundId) => await deps.finished?.(roundId) }),
    ],
    async roundFinished(round, state) {
      await board.count(round, now());
      if (state !== undefined) return await book.count(activityOf(state));
      const owners = await deps.ownersOf?.(round.payouts.map(({ playKey }) => playKey));
      await book.count(activityOfVoid(round, owners ?? new Map()));
    },
    async roundVoided(before, after, state) {
      await board.recount(before, after, now());
      await book.count(activityOf(state));
    },
    async hasEntered(identity, memeId) {
      const rounds = await book.all(identity);
      return rounds.some(({ memes }) => memes.includes(memeId));
    },
    personalData: activityData(book),
  };
}
