/**
 * What the Analytics Service keeps about a person (I6). Owns: what is told and what is forgotten. Does not own: the book;
 * sums by play key on the leaderboard, which are as public as the rounds they are made from.
 */
import type { PersonalData } from "../infra/personal-data.ts";
import type { ActivityBook } from "./activity.ts";

export const activityData = (book: Pick<ActivityBook, "all" | "totals" | "forget">): PersonalData => ({
  name: "activity",
  async exportOf({ identity }) {
    const [rounds, totals] = await Promise.all([book.all(identity), book.totals(identity)]);
    return { totals, rounds };
  },
  forget: ({ identity }) => book.forget(identity),
});
