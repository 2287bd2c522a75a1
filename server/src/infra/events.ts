/**
 * Hints between processes over Redis pub/sub. Owns: one subscriber connection, dispatch by channel.
 * Does not own: truth. A hint may be lost; whoever listens must also be able to read the fact itself.
 */
import { EventEmitter } from "node:events";
import type { Logger } from "./logger.ts";
import type { Redis } from "./redis.ts";

export interface Events {
  /** Calls `handle` with each message's JSON; returns how to stop. */
  on(channel: string, handle: (message: unknown) => void): Promise<() => void>;
  stop(): Promise<void>;
}

/** `subscriber` is a connection of its own: it can do nothing else once subscribed. */
export function createEvents(subscriber: Redis, logger: Logger): Events {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  subscriber.on("message", (channel: string, text: string) => {
    try {
      emitter.emit(channel, JSON.parse(text));
    } catch (err) {
      logger.warn({ err, channel }, "an event that is no JSON was dropped");
    }
  });
  return {
    async on(channel, handle) {
      if (emitter.listenerCount(channel) === 0) await subscriber.subscribe(channel);
      emitter.on(channel, handle);
      return () => emitter.off(channel, handle);
    },
    async stop() {
      await subscriber.quit();
    },
  };
}
