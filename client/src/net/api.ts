/**
 * The calls the page makes (design.md section 8), typed by the shared contracts.
 * Owns: paths and their types. Does not own: how a call is sent (http.ts), who is signed in (session.ts).
 */

import type {
  broadcastAnswer,
  faucetAnswer,
  feeAnswer,
  RoundDetail,
  roundsAnswer,
  Snapshot,
  seatAnswer,
  User,
  utxosAnswer,
} from "@meme-rounds/shared-schema/rest";
import type {
  contentAnswer,
  galleryAnswer,
  ModelWish,
  previewAnswer,
} from "@meme-rounds/shared-schema/rest-content";
import type { z } from "zod";
import type { Answered, Http } from "./http.ts";
import type { Session } from "./session.ts";

export type Seat = z.infer<typeof seatAnswer>;
export type RoundSummary = z.infer<typeof roundsAnswer>["rounds"][number];
export type GalleryItem = z.infer<typeof galleryAnswer>["items"][number];
type Page<A extends z.ZodType> = Promise<Answered<z.infer<A>>>;

export interface Api {
  /** The live round, waited for `timeoutMs` at most; 4,000 by default. */
  current(timeoutMs?: number): Promise<Answered<Snapshot>>;
  seat(): Promise<Answered<Seat>>;
  rounds(cursor?: string): Page<typeof roundsAnswer>;
  round(roundId: string): Promise<Answered<RoundDetail>>;
  gallery(cursor?: string): Page<typeof galleryAnswer>;
  utxos(address: string): Page<typeof utxosAnswer>;
  fee(): Page<typeof feeAnswer>;
  broadcast(tx: string): Page<typeof broadcastAnswer>;
  faucet(address: string, sats: number): Page<typeof faucetAnswer>;
  upload(file: Blob, name: string, title: string): Page<typeof contentAnswer>;
  content(contentId: string): Page<typeof contentAnswer>;
  appeal(contentId: string, text: string): Page<typeof contentAnswer>;
  setMode(contentId: string, mode: ModelWish): Page<typeof contentAnswer>;
  preview(contentId: string, mode: ModelWish): Page<typeof previewAnswer>;
  rename(name: string): Promise<Answered<User>>;
}

/** Where the round is, is asked again rather than waited for, ms. */
const LOOK_MS = 4_000;
/** An upload may take a slow line, ms. */
const UPLOAD_MS = 120_000;
/** The server answers within 20 s, ms. */
const PREVIEW_MS = 30_000;
const page = (cursor: string | undefined): string =>
  cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;

export function createApi(http: Http, session: Pick<Session, "call">): Api {
  const get = <T>(path: string): Promise<Answered<T>> => http.request<T>({ method: "GET", path });
  return {
    // After a takeover every second counts, and what the browser has kept names the room that is gone (R5).
    current: (timeoutMs = LOOK_MS) =>
      http.request<Snapshot>({ method: "GET", path: "/rounds/current", fresh: true, timeoutMs }),
    seat: () => get("/audience/seat"),
    rounds: (cursor) => get(`/rounds${page(cursor)}`),
    round: (roundId) => get(`/rounds/${encodeURIComponent(roundId)}`),
    gallery: (cursor) => get(`/gallery${page(cursor)}`),
    utxos: (address) => get(`/wallet/${encodeURIComponent(address)}/utxos`),
    fee: () => get("/wallet/fee"),
    broadcast: (tx) => http.request({ method: "POST", path: "/wallet/broadcast", body: { tx } }),
    faucet: (address, sats) =>
      http.request({ method: "POST", path: "/wallet/faucet", body: { address, sats } }),
    upload(file, name, title) {
      const form = new FormData();
      form.set("title", title);
      form.set("file", file, name);
      return session.call({ method: "POST", path: "/content", form, timeoutMs: UPLOAD_MS });
    },
    content: (contentId) => session.call({ method: "GET", path: `/content/${contentId}` }),
    appeal: (contentId, text) =>
      session.call({ method: "POST", path: `/content/${contentId}/appeal`, body: { text } }),
    setMode: (contentId, mode) =>
      session.call({ method: "PATCH", path: `/content/${contentId}`, body: { mode } }),
    preview: (contentId, mode) =>
      session.call({
        method: "POST",
        path: `/content/${contentId}/preview`,
        body: { mode },
        timeoutMs: PREVIEW_MS,
      }),
    rename: (name) => session.call({ method: "PATCH", path: "/me", body: { name } }),
  };
}
