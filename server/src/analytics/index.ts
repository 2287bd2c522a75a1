/**
 * The Analytics Service's public face (O1). Owns: its routes, and being told of finished rounds. Everything else in
 * this folder is private to it.
 */
import { leaderboardAnswer, statsAnswer } from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import { type Route, route } from "../infra/http.ts";
import type { Redis } from "../infra/redis.ts";
import { Board, boardWindows, type FinishedRound } from "./board.ts";

export type { FinishedRound } from "./board.ts";

export interface AnalyticsDeps {
  redis: Redis;
  /** Display names of play keys; absent for one that never signed in. */
  namesOf(playKeys: readonly string[]): Promise<Map<string, string>>;
  /** ms since the epoch. */
  now(): number;
}

export interface AnalyticsService {
  routes: Route[];
  /** Counts a finished round, once. */
  roundFinished(round: FinishedRound): Promise<void>;
  /** M4: the round was counted as `before` and is void by now. Any number of times. */
  roundVoided(before: FinishedRound, after: FinishedRound): Promise<void>;
}

const TOP = 100;
const arena = z.string().min(1).max(32).default("main");

export function createAnalyticsService(deps: AnalyticsDeps): AnalyticsService {
  const { redis, namesOf, now } = deps;
  const board = new Board(redis);
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
        errors: ["BAD_REQUEST"],
        handler: ({ query }) => board.stats(query.arena),
      }),
    ],
    roundFinished: (round) => board.count(round, now()),
    roundVoided: (before, after) => board.recount(before, after, now()),
  };
}
