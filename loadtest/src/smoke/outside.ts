/**
 * What anybody may ask of a game: its page, its health, its round, a seat among the spectators. Owns: asking, and throwing
 * in words what is wrong. Does not own: the order (index.ts).
 */
import { type Snapshot, seatAnswer, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import type { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { Client, type Room } from "colyseus.js";
import { z } from "zod";

const ANSWER_MS = 5_000;
const STATE_MS = 5_000;

export interface Answered {
  status: number;
  type: string;
  text: string;
}

/** One GET; throws where nobody answers within 5 s. */
export async function get(url: string): Promise<Answered> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch((error: unknown) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new Error(`nobody answers at ${url}: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    text: await response.text(),
  };
}

const mustBe = (answered: Answered, what: string): Answered => {
  if (answered.status !== 200)
    throw new Error(`${what} answers ${answered.status}: ${answered.text.slice(0, 200)}`);
  return answered;
};

/** The page, and every script and style it names. Answers how many those are. */
export async function readPage(url: string): Promise<number> {
  const { type, text } = mustBe(await get(`${url}/`), "the page");
  if (!type.startsWith("text/html")) throw new Error(`the page is ${type || "of no type"}`);
  const assets = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
  if (assets.length === 0) throw new Error("the page names no script or style");
  for (const path of assets) mustBe(await get(`${url}${path}`), path);
  return assets.length;
}

export async function readHealth(url: string): Promise<void> {
  mustBe(await get(`${url}/healthz`), "/healthz");
}

const readiness = z.object({ ready: z.boolean() });

export async function readReady(url: string): Promise<void> {
  const { text } = mustBe(await get(`${url}/readyz`), "/readyz");
  if (!readiness.parse(JSON.parse(text)).ready) throw new Error(`/readyz says: ${text.slice(0, 200)}`);
}

export async function readSnapshot(url: string): Promise<Snapshot> {
  const { text } = mustBe(await get(`${url}/api/rounds/current`), "the live round");
  const snapshot = snapshotSchema.parse(JSON.parse(text));
  if (snapshot.closesAt <= snapshot.opensAt) throw new Error("the round closes before it opens");
  return snapshot;
}

export interface Watching {
  room: Room<unknown, RoundView>;
  /** The newest state; throws before there is one. */
  state(): RoundView;
  leave(): Promise<void>;
}

/** Takes a spectator's seat as the page does, and waits for the whole state of a round. */
export async function spectate(url: string): Promise<Watching> {
  const { text } = mustBe(await get(`${url}/api/audience/seat`), "a spectator's seat");
  const seat = seatAnswer.parse(JSON.parse(text));
  // The SDK's type has fields a relay's seat does not need.
  const room = (await new Client(url).consumeSeatReservation<RoundView>(seat as never)) as Room<
    unknown,
    RoundView
  >;
  room.reconnection.enabled = false;
  room.onMessage("*", () => undefined);
  let seen: RoundView | undefined;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`a spectator saw no state within ${STATE_MS} ms`)),
      STATE_MS,
    );
    room.onStateChange((state) => {
      seen = state;
      clearTimeout(timer);
      resolve();
    });
    room.onLeave((code) => {
      clearTimeout(timer);
      reject(new Error(`a spectator's socket was closed (${code})`));
    });
  });
  return {
    room,
    state() {
      if (seen === undefined) throw new Error("a spectator has no state");
      return seen;
    },
    leave: async () => void (await room.leave()),
  };
}
