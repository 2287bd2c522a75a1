/**
 * What is done to the processes (R5): kill -9 of the round's host, a stall longer than its lease, a Redis that is killed
 * and started again. Owns: finding the host, doing it, putting it right. Does not own: when, and what comes of it.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "../../../server/src/infra/redis.ts";
import type { Cluster, Service } from "../money/cluster.ts";

export type Fault = "kill" | "stall" | "redis";

/** Longer than a lease, ms. */
const STALL_MS = 5_000;
const REDIS_AWAY_MS = 700;

/** The process that hosts the arena's live round; undefined while none does. */
export async function hostOf(cluster: Cluster, redis: Redis): Promise<Service | undefined> {
  const live = await redis.get("mr:live:main");
  if (live === null) return undefined;
  const { roomId } = JSON.parse(live) as { roomId: string };
  const row = await redis.hget("roomcaches", roomId);
  if (row === null) return undefined;
  const { publicAddress } = JSON.parse(row) as { publicAddress?: string };
  return cluster.services.find(
    ({ role, url, child }) => role === "game" && child.isUp && url === `http://${publicAddress}`,
  );
}

/** Done to the host or to Redis; `repaired` resolves when the process is whole again, whoever hosts the round by then. */
export async function strike(
  fault: Fault,
  host: Service,
  cluster: Cluster,
): Promise<{ at: number; repaired: () => Promise<void> }> {
  if (fault === "kill") {
    const at = Date.now();
    await host.child.kill();
    return { at, repaired: () => host.child.start() };
  }
  if (fault === "stall") {
    const { pid } = host.child;
    if (pid === undefined) throw new Error("the host has no process");
    const at = Date.now();
    process.kill(pid, "SIGSTOP");
    const awake = delay(STALL_MS).then(() => {
      process.kill(pid, "SIGCONT");
    });
    return { at, repaired: () => awake };
  }
  const redis = cluster.services.find(({ role }) => role === "redis");
  if (redis === undefined) throw new Error("there is no Redis");
  const at = Date.now();
  await redis.child.kill();
  await delay(REDIS_AWAY_MS);
  await redis.child.start();
  return { at, repaired: async () => undefined };
}
