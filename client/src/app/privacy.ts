/**
 * What a person can do about terms, limits and their own data (I6). Owns: these actions' outcomes.
 * Does not own: the calls' transport, what the server enforces, the screens (features/consent, features/limits).
 */
import type { User } from "@meme-rounds/shared-schema/rest";
import type { Deleted, PlayLimits, PlayLimitsWish } from "@meme-rounds/shared-schema/rest-me";
import { TERMS } from "@meme-rounds/shared-schema/terms";
import type { Session } from "../net/session.ts";
import type { Consent } from "./consent.ts";
import { type Failure, failure, type NoticeVm, type PrivacyActions } from "./model.ts";

export interface PrivacyDeps {
  session: Pick<Session, "call" | "renamed" | "drop">;
  consent: Pick<Consent, "agreed">;
  /** Nobody plays any more. */
  left(): void;
  notice(kind: NoticeVm["kind"], text: string): void;
}

export function createPrivacyActions({ session, consent, left, notice }: PrivacyDeps): PrivacyActions {
  const limitsOf = async (body?: PlayLimitsWish): Promise<{ ok: true; limits: PlayLimits } | Failure> => {
    const answer = await session.call<PlayLimits>(
      body === undefined
        ? { method: "GET", path: "/me/limits" }
        : { method: "PATCH", path: "/me/limits", body },
    );
    return answer.ok ? { ok: true, limits: answer.data } : answer;
  };
  return {
    async acceptTerms() {
      const body = { version: TERMS.version, adult: true };
      const answer = await session.call({ method: "POST", path: "/me/consent", body });
      if (!answer.ok) return answer;
      consent.agreed();
      const me = await session.call<User>({ method: "GET", path: "/me" });
      if (me.ok) session.renamed(me.data);
      return { ok: true };
    },
    playLimits: () => limitsOf(),
    setPlayLimits: limitsOf,
    async exportData() {
      const answer = await session.call<unknown>({ method: "GET", path: "/me/export" });
      if (!answer.ok) return answer;
      return { ok: true, fileName: "meme-rounds-my-data.json", json: JSON.stringify(answer.data, null, 2) };
    },
    async deleteData() {
      const answer = await session.call<Deleted>({
        method: "DELETE",
        path: "/me",
        body: { confirm: "delete" },
      });
      if (!answer.ok && answer.code === "OFFLINE")
        return failure("OFFLINE", "It is not known whether your data were deleted. Try again.");
      if (!answer.ok) return answer;
      // The server knows the session no more: telling it would sign in anew.
      session.drop();
      left();
      const kept = answer.data.kept.map(({ what }) => what).join(" · ");
      notice("success", `Your data are deleted. What stays, as the privacy page says: ${kept}`);
      return { ok: true };
    },
  };
}
