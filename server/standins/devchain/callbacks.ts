/**
 * ARC's callbacks. Owns: delivering status changes to the URL a submitter named, in order per transaction, with
 * retries. Does not own: the body's content (arc-routes.ts).
 */
import type { Callback } from "./store.ts";

export interface CallbackDeps {
  fetch: typeof fetch;
  /** Waits so many ms, or rejects when the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  onGiveUp: (txid: string, error: unknown) => void;
}

const ATTEMPTS = 10;
const FIRST_RETRY_MS = 200;
const ATTEMPT_TIMEOUT_MS = 5_000;
/** Statuses sent without X-FullStatusUpdates. */
const DEFAULT_STATUSES = new Set(["MINED", "REJECTED", "DOUBLE_SPEND_ATTEMPTED", "MINED_IN_STALE_BLOCK"]);

export class CallbackSender {
  readonly #deps: CallbackDeps;
  readonly #queues = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(deps: CallbackDeps) {
    this.#deps = deps;
  }

  /** Queues `body` for delivery. Never throws: what cannot be delivered is reported to `onGiveUp`. */
  send(txid: string, status: string, callback: Callback, body: unknown): void {
    if (this.#stop.signal.aborted || (!callback.full && !DEFAULT_STATUSES.has(status))) return;
    const text = JSON.stringify(body);
    const before = this.#queues.get(txid) ?? Promise.resolve();
    const mine: Promise<void> = before
      .then(() => this.#deliver(callback, text))
      .catch((error: unknown) => this.#deps.onGiveUp(txid, error))
      .finally(() => {
        if (this.#queues.get(txid) === mine) this.#queues.delete(txid);
      });
    this.#queues.set(txid, mine);
  }

  async #deliver(callback: Callback, body: string): Promise<void> {
    const headers = {
      "content-type": "application/json",
      ...(callback.token === undefined ? {} : { authorization: `Bearer ${callback.token}` }),
    };
    for (let attempt = 1; ; attempt++) {
      try {
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]);
        const answer = await this.#deps.fetch(callback.url, { method: "POST", headers, body, signal });
        await answer.body?.cancel();
        if (answer.ok) return;
        throw new Error(`the callback answered ${answer.status}`);
      } catch (error) {
        if (attempt >= ATTEMPTS || this.#stop.signal.aborted) throw error;
        await this.#deps.sleep(FIRST_RETRY_MS * 2 ** (attempt - 1), this.#stop.signal);
      }
    }
  }

  /** Stops retrying and waits until nothing is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#queues.values());
  }
}
