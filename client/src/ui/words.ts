/** How numbers, times and failures are put into words. Pure. Does not own: markup. */
import { ERRORS } from "@meme-rounds/shared-schema/errors";
import type { Failure } from "../app/model.ts";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });

/** 12345 -> "12,345". */
export const count = (value: number): string => whole.format(value);
/** 12345 -> "12.3K": where room is short. */
export const brief = (value: number): string =>
  value < 10_000 ? whole.format(value) : compact.format(value);
/** -938 -> "−938", 938 -> "+938": what was won or lost. */
export const signed = (value: number): string =>
  `${value > 0 ? "+" : value < 0 ? "−" : ""}${whole.format(Math.abs(value))}`;
/** Unix ms -> "14:20". */
export const timeOf = (at: number): string => clock.format(at);
/** Unix ms -> "Nov 22". */
export const dayOf = (at: number): string => day.format(at);
/** First and last characters of a key, address or transaction id. */
export const shortId = (id: string, head = 6): string =>
  id.length <= head + 6 ? id : `${id.slice(0, head)}…${id.slice(-4)}`;

/** "1 backer", "2 backers". */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Milliseconds left -> "9:58"; rounds up, so that 0:00 is shown only when time is up. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export interface Explained {
  code: string;
  sentence: string;
  advice: string;
}

/** Any failure as what happened and what to do (R9). What the server said in particular comes first. */
export function explain(failure: Failure): Explained {
  if (failure.code === "OFFLINE") {
    return {
      code: failure.code,
      sentence: failure.message || "The connection to the arena is down.",
      advice: "It comes back by itself. Check your numbers before you try again.",
    };
  }
  const spec = ERRORS[failure.code];
  return { code: failure.code, sentence: failure.message || spec.sentence, advice: spec.advice };
}
