/** The calls of the dashboard, typed by the shared contracts. Owns: paths. Does not own: who is signed in (session.ts). */
import type { playKeysAnswer, sessionsAnswer, User } from "@meme-rounds/shared-schema/rest";
import type { Activity } from "@meme-rounds/shared-schema/rest-activity";
import type { z } from "zod";
import type { Answered } from "../../net/http.ts";
import type { Session } from "../../net/session.ts";

export type SessionRow = z.infer<typeof sessionsAnswer>["sessions"][number];
export type PlayKeyRow = z.infer<typeof playKeysAnswer>["playKeys"][number];

export interface DashboardApi {
  me(): Promise<Answered<User>>;
  /** `cursor`: what the page before gave as `next`. */
  activity(cursor?: string): Promise<Answered<Activity>>;
  change(profile: { name?: string; avatar?: string | null }): Promise<Answered<User>>;
  sessions(): Promise<Answered<{ sessions: SessionRow[] }>>;
  endSession(id: string): Promise<Answered<unknown>>;
  endOthers(): Promise<Answered<{ ended: number }>>;
  playKeys(): Promise<Answered<{ playKeys: PlayKeyRow[] }>>;
  revoke(playKey: string): Promise<Answered<{ ended: number }>>;
}

export const createDashboardApi = (call: Session["call"]): DashboardApi => ({
  me: () => call({ method: "GET", path: "/me" }),
  activity: (cursor) =>
    call({
      method: "GET",
      path: `/me/activity${cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`}`,
    }),
  change: (profile) => call({ method: "PATCH", path: "/me", body: profile }),
  sessions: () => call({ method: "GET", path: "/auth/sessions" }),
  endSession: (id) => call({ method: "DELETE", path: `/auth/sessions/${encodeURIComponent(id)}` }),
  endOthers: () => call({ method: "DELETE", path: "/auth/sessions" }),
  playKeys: () => call({ method: "GET", path: "/auth/play-keys" }),
  revoke: (playKey) => call({ method: "DELETE", path: `/auth/play-keys/${playKey}` }),
});
