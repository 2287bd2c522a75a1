/** Every process but the auditor's goes by the deployment's clock (R3). Owns: beginning and ending that. */
import { type ClusterClock, startHostClock } from "../infra/cluster-clock.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import type { Logger } from "../infra/logger.ts";
import type { Redis } from "../infra/redis.ts";

/** The clock to pass on as `now`, to be asked for before any service is made. Drains end by it, too. */
export async function keepTime(
  deps: { redis: Redis; logger: Logger },
  life: Lifecycle,
): Promise<ClusterClock> {
  const clock = await startHostClock(deps);
  life.add("clock", () => clock.stop());
  life.keepTime(clock.now);
  return clock;
}
