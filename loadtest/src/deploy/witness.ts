/**
 * What a reload looks like from outside: whether REST answers, and in which order a process says that it goes and closes
 * its sockets. Owns: asking and noting the times. Does not own: the reload, players.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Faced } from "./site.ts";

const ASK_MS = 2_000;

export interface Polls {
  asked: number;
  /** One line each. */
  failed: string[];
}

/** Asks what every page asks, every `everyMs`, until the signal fires. `took` hears how long each answer took, ms. */
export async function poll(
  url: string,
  everyMs: number,
  signal: AbortSignal,
  took: (ms: number) => void,
): Promise<Polls> {
  const out: Polls = { asked: 0, failed: [] };
  const paths = ["/api/rounds/current", "/api/audience/seat", "/api/rounds", "/"];
  while (!signal.aborted) {
    const path = paths[out.asked++ % paths.length] ?? "/";
    const from = performance.now();
    try {
      const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(ASK_MS) });
      await answer.arrayBuffer();
      took(performance.now() - from);
      if (answer.status !== 200) out.failed.push(`${path}: ${answer.status} at ${new Date().toISOString()}`);
    } catch (error) {
      out.failed.push(`${path}: ${String(error)} at ${new Date().toISOString()}`);
    }
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
  return out;
}

export interface Parting {
  name: string;
  /** When /readyz first said no, and when the socket was closed; ms since the epoch, undefined where it never was. */
  unreadyAt: number | undefined;
  closedAt: number | undefined;
}

/** Watches one process leave: a spectator's socket through the edge, and its /readyz asked directly. */
export async function watchParting(edge: string, one: Faced, roundId: string): Promise<() => Parting> {
  const seen: Parting = { name: one.name, unreadyAt: undefined, closedAt: undefined };
  const socket = new WebSocket(
    `${edge.replace("http", "ws")}/${one.port}/spectate/${roundId}?sessionId=witness`,
  );
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () =>
      reject(new Error(`${one.name} takes no spectator through the edge`)),
    );
  });
  socket.addEventListener("close", () => {
    seen.closedAt = Date.now();
  });
  const over = new AbortController();
  const ask = async (): Promise<void> => {
    while (!over.signal.aborted && seen.unreadyAt === undefined) {
      const answer = await fetch(`${one.url}/readyz`, { signal: AbortSignal.timeout(ASK_MS) }).catch(
        () => undefined,
      );
      if (answer?.status === 503) seen.unreadyAt = Date.now();
      await answer?.arrayBuffer();
      await delay(20);
    }
  };
  const asking = ask();
  return () => {
    over.abort();
    asking.catch(() => undefined); // Asked of a process that is gone.
    socket.close();
    return { ...seen };
  };
}
