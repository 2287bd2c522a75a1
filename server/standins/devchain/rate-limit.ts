/** Requests a second per API key, as providers count them. Owns: the windows. Off (0) until somebody sets a rate. */
import { type Call, header } from "./http.ts";

export interface Rates {
  /** Calls a second with one key (or without any) on WhatsOnChain's paths; 0 for no limit. */
  wocPerSecond: number;
  /** The same on all others but /dev. */
  arcPerSecond: number;
}

const WINDOW_MS = 1000;
const MAX_KEYS = 1000;

export class RateLimit {
  rates: Rates = { wocPerSecond: 0, arcPerSecond: 0 };
  readonly #now: () => number;
  readonly #recent = new Map<string, number[]>();

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** False for a call beyond its key's rate; such a call is not counted. */
  lets(call: Call): boolean {
    if (call.path.startsWith("/dev/")) return true;
    const woc = call.path.startsWith("/v1/bsv/");
    const rate = woc ? this.rates.wocPerSecond : this.rates.arcPerSecond;
    if (rate === 0) return true;
    const key = `${woc ? "woc" : "arc"} ${header(call, "authorization") ?? ""}`;
    const from = this.#now() - WINDOW_MS;
    const recent = (this.#recent.get(key) ?? []).filter((at) => at > from);
    const free = recent.length < rate;
    if (free) recent.push(this.#now());
    this.#recent.delete(key);
    this.#recent.set(key, recent);
    const oldest = this.#recent.keys().next().value;
    if (this.#recent.size > MAX_KEYS && oldest !== undefined) this.#recent.delete(oldest);
    return free;
  }
}
