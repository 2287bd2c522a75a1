/**
 * Talking to code that is not ours (I1). Owns: reading and calling what an extension has put on the page, time limits,
 * and putting its refusals into words. Does not own: what any one wallet offers. Nothing foreign is trusted to have a
 * type, to answer at all, or not to throw.
 */
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import { Refusal } from "../refusal.ts";
import type { AdapterDeps } from "./types.ts";

/** How long a person may look at a wallet's window, ms; a challenge is good for 5 min. */
const PERSON_MS = 3 * 60_000;
/** How long a wallet may take to tell what it knows, ms. */
const QUICK_MS = 10_000;
const MOST_WORDS = 160;

/** A property of anything; undefined where there is none or reading it throws. */
export function read(from: unknown, ...path: string[]): unknown {
  let value = from;
  for (const name of path) {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
    try {
      value = Reflect.get(value, name);
    } catch {
      return undefined; // A getter that throws has nothing to offer.
    }
  }
  return value;
}

/** The value when it is a text of reasonable length. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value.length > 0 && value.length <= 4_000 ? value : undefined;

/** The value as bytes, when it is a list of them. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (!Array.isArray(value)) return undefined;
  const isBytes = value.every((one) => Number.isInteger(one) && one >= 0 && one <= 255);
  return isBytes ? Uint8Array.from(value as number[]) : undefined;
}

/** What a wallet said, short and without anything that could move text around. */
function wordsOf(error: unknown): string {
  const said = textOf(read(error, "message")) ?? textOf(error) ?? "";
  return said
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, " ")
    .trim()
    .slice(0, MOST_WORDS);
}

const REJECTED = /reject|denied|declin|dismiss|cancel|closed/i;
const LOCKED = /lock|unauthori[sz]ed|not authori[sz]ed|not connected|log ?in/i;
const BUSY = /already (?:pending|open|processing)/i;

/** Anything a wallet throws, as a refusal in words; `name` is the wallet's. */
export function refusalOf(error: unknown, name: string): Refusal {
  if (error instanceof Refusal) return error;
  const code = Number(read(error, "code"));
  const words = wordsOf(error);
  if (code === 4001 || (code !== 4100 && REJECTED.test(words)))
    return new Refusal("SIGNER_REJECTED", `You declined in ${name}, or its window was closed.`);
  if (code === -32002 || BUSY.test(words))
    return new Refusal("SIGNER_FAILED", `${name} has another window open. Answer that one first.`);
  if (code === 4100 || LOCKED.test(words))
    return new Refusal("SIGNER_LOCKED", `${name} is locked or does not know this page yet.`);
  return new Refusal("SIGNER_FAILED", words === "" ? `${name} did not do it.` : `${name} says: ${words}`);
}

/** The promise, or a refusal when it has not settled in time. */
function inTime<T>(work: Promise<T>, ms: number, name: string, deps: AdapterDeps): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = deps.after(ms, () =>
      reject(new Refusal("SIGNER_SILENT", `${name} has not answered for ${Math.round(ms / 1000)} s.`)),
    );
    work.then(resolve, reject).finally(stop);
  });
}

/** One extension's provider. */
export interface Provider {
  readonly name: string;
  isThere(): boolean;
  has(method: string): boolean;
  /** Calls what may show a window. */
  ask(method: string, ...args: unknown[]): Promise<unknown>;
  /** Calls what only tells something. */
  tell(method: string, ...args: unknown[]): Promise<unknown>;
  /** Listens to an event of the provider; returns what stops that. */
  on(event: string, listener: (detail: unknown) => void): () => void;
  /** The refusal for an answer that makes no sense. */
  odd(what: string): Refusal;
  refuse(code: ErrorCode, words: string): Refusal;
}

/** `find` looks for the provider anew each time: extensions may come late, or be reloaded. */
export function createProvider(name: string, find: () => unknown, deps: AdapterDeps): Provider {
  const call = async (ms: number, method: string, args: unknown[]): Promise<unknown> => {
    const provider = find();
    if (provider === undefined || provider === null)
      throw new Refusal("WALLET_MISSING", `${name} is not in this browser.`);
    const work = read(provider, method);
    if (typeof work !== "function")
      throw new Refusal("SIGNER_FAILED", `This ${name} cannot do that. Is it up to date?`);
    try {
      return await inTime(Promise.resolve(Reflect.apply(work, provider, args)), ms, name, deps);
    } catch (error) {
      throw refusalOf(error, name);
    }
  };
  return {
    name,
    isThere: () => find() !== undefined && find() !== null,
    has: (method) => typeof read(find(), method) === "function",
    ask: (method, ...args) => call(PERSON_MS, method, args),
    tell: (method, ...args) => call(QUICK_MS, method, args),
    on(event, listener) {
      const provider = find();
      const on = read(provider, "on");
      if (typeof on !== "function") return () => undefined;
      // Some providers cannot take a listener back: from then on it is deaf.
      let hears = true;
      const hear = (detail: unknown): void => {
        if (hears) listener(detail);
      };
      try {
        Reflect.apply(on, provider, [event, hear]);
      } catch {
        return () => undefined; // An event it does not have.
      }
      return () => {
        hears = false;
        const off = read(provider, "removeListener") ?? read(provider, "off");
        if (typeof off !== "function") return;
        try {
          Reflect.apply(off, provider, [event, hear]);
        } catch {
          // Deaf already.
        }
      };
    },
    odd: (what) => new Refusal("SIGNER_FAILED", `${name} gave ${what} that this page does not understand.`),
    refuse: (code, words) => new Refusal(code, words),
  };
}

/** How long an extension that is only just starting is waited for, ms after the first look. */
const LATE_MS = [50, 150, 400, 1_000, 2_000, 3_000];

/** Resolves with true as soon as `isHere` holds, with false when it does not within 3 s. */
export function waitFor(isHere: () => boolean, deps: AdapterDeps): Promise<boolean> {
  if (isHere()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const last = LATE_MS.at(-1);
    const stops = LATE_MS.map((ms) =>
      deps.after(ms, () => {
        const here = isHere();
        if (!here && ms !== last) return;
        for (const stop of stops) stop();
        resolve(here);
      }),
    );
  });
}
