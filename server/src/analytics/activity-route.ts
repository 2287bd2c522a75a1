/** GET /me/activity (dashboard). Owns: this route. Does not own: the book, a round's details. */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { activityAnswer, activityQuery } from "@meme-rounds/shared-schema/rest-activity";
import { callerOf, type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import type { ActivityBook } from "./activity.ts";
import { earningsOf, entriesOf, totalsOf } from "./activity-view.ts";

const PAGE = 20;

export interface ActivityRouteDeps {
  book: Pick<ActivityBook, "page" | "all" | "totals">;
  finished(roundId: string): Promise<RoundDetail | undefined>;
}

export const activityRoute = ({ book, finished }: ActivityRouteDeps): Route =>
  route({
    method: "get",
    path: "/me/activity",
    summary: "The rounds you have played, newest first, their sums, and your earnings over time.",
    auth: "player",
    query: activityQuery,
    answer: activityAnswer,
    errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "BAD_REQUEST", "RATE_LIMITED"],
    limit: LIMITS.activity,
    async handler(input) {
      const { identity } = callerOf(input);
      const { cursor } = input.query;
      const [page, totals, all] = await Promise.all([
        book.page(identity, cursor, PAGE + 1),
        book.totals(identity),
        cursor === undefined ? book.all(identity) : [],
      ]);
      const shown = page.slice(0, PAGE);
      const details = await Promise.all(shown.map(({ roundId }) => finished(roundId)));
      const next = page.length > PAGE ? shown.at(-1)?.roundId : undefined;
      return {
        rounds: shown.flatMap((round, at) => entriesOf(round, details[at])),
        totals: totalsOf(totals),
        ...(cursor === undefined ? { earnings: earningsOf(all, totals) } : {}),
        ...(next === undefined ? {} : { next }),
      };
    },
  });
