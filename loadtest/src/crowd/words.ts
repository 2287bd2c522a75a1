/** What a crowd's parent and its workers say to each other, over the process' own channel. */
import type { Held } from "./stream.ts";

export type Order =
  /** Sit down `count` spectators, at most `perSecond` begun each second, at most `atOnce` under way. */
  | { do: "join"; count: number; perSecond: number; atOnce: number }
  /** Players with these tokens go into the room, spread over `overMs`. */
  | { do: "play"; roomId: string; tokens: string[]; overMs: number }
  /** Read all who are there in rows (row.ts), which takes less than being told of each; nobody comes from then on. */
  | { do: "line up" }
  /** Count deliveries from now on, or no longer. */
  | { do: "measure"; on: boolean }
  | { do: "compare" }
  | { do: "leave" };

/** Times in ms with how often each was seen. */
export type Tally = [ms: number, times: number][];

/** What happened since the last word, and how things stand. */
export interface Progress {
  say: "progress";
  /** Spectators that have begun to come, and those that have their state now. */
  begun: number;
  joined: number;
  players: number;
  /** Reasons of those who did not get in, and of those who were in and are not any more. */
  failed: [reason: string, times: number][];
  gone: [reason: string, times: number][];
  joinTimes: Tally;
  playTimes: Tally;
  /** From the change in the round to a spectator, while measuring. */
  latencies: Tally;
  /** Frames of state that arrived while measuring, and those that would have if everybody had got each. */
  delivered: number;
  due: number;
  /** How late this worker's own event loop was, p99 of the last second, ms. */
  lagMs: number;
}

export type Word =
  | Progress
  | { say: "ready" }
  /** An order is carried out; two can be under way. */
  | { say: "done"; order: Order["do"] }
  | { say: "compared"; held: Held[]; odd: number; behind: number };
