/**
 * An HTTP server on its way out (R11). Owns: telling clients to send no second request over a connection, letting those
 * under way end. Does not own: websockets, what is answered.
 */
import type { Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Drain, Lifecycle } from "./lifecycle.ts";

export interface Intake {
  /** Takes no new connection and waits for the requests under way, `patienceMs` at most; then cuts them off. */
  stop(patienceMs: number): Promise<void>;
}

/** While `life` drains, each answer ends its connection: proxies and browsers go elsewhere by themselves. */
export function watchIntake(server: Server, life: Pick<Lifecycle, "isDraining">): Intake {
  let underWay = 0;
  let allDone = (): void => undefined;
  server.prependListener("request", (_req, res) => {
    if (life.isDraining) res.setHeader("Connection", "close");
    underWay += 1;
    res.once("close", () => {
      underWay -= 1;
      if (underWay === 0) allDone();
    });
  });
  return {
    async stop(patienceMs) {
      // Its own callback would wait for websockets, too.
      server.close();
      server.closeIdleConnections();
      if (underWay > 0)
        await Promise.race([
          new Promise<void>((resolve) => {
            allDone = resolve;
          }),
          pause(patienceMs, undefined, { ref: false }),
        ]);
      server.closeAllConnections();
    },
  };
}

/**
 * Goes on serving for a while after /readyz has said no: a load balancer asks only now and then.
 * `graceMs` at most, less where the drain ends sooner or somebody is in a hurry.
 */
export async function servingOn(graceMs: number, { until, hurry }: Drain, now: number): Promise<void> {
  const ms = Math.min(graceMs, until - now);
  if (ms > 0) await pause(ms, undefined, { signal: hurry }).catch(() => undefined);
}
