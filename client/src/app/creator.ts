/**
 * What a creator does before a meme is in the ring: have it looked at, choose its shape. Owns: these actions' outcomes.
 * Does not own: the calls (net/api.ts), the picture itself (features/enter).
 */
import type { Api } from "../net/api.ts";
import type { GameActions, Outcome } from "./model.ts";

export interface CreatorDeps {
  api: Pick<Api, "upload" | "content" | "appeal" | "preview" | "setMode">;
  /** Uploads need somebody: signs in where nobody is. */
  someone(): Promise<Outcome>;
}

export function createCreatorActions({
  api,
  someone,
}: CreatorDeps): Pick<GameActions, "upload" | "recheck" | "appeal" | "preview" | "setMode"> {
  return {
    async upload(file, title) {
      const signed = await someone();
      if (!signed.ok) return signed;
      const answer = await api.upload(file, file.name, title);
      return answer.ok ? { ok: true, checked: answer.data } : answer;
    },
    async recheck(contentId) {
      const answer = await api.content(contentId);
      return answer.ok ? { ok: true, checked: answer.data } : answer;
    },
    async appeal(contentId, text) {
      const answer = await api.appeal(contentId, text);
      return answer.ok ? { ok: true, checked: answer.data } : answer;
    },
    async preview(contentId, mode) {
      const answer = await api.preview(contentId, mode);
      return answer.ok ? { ok: true, preview: answer.data } : answer;
    },
    async setMode(contentId, mode) {
      const answer = await api.setMode(contentId, mode);
      return answer.ok ? { ok: true } : answer;
    },
  };
}
