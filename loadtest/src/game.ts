/**
 * The game a scenario plays against: the one it was pointed at, or its own processes. Owns: that choice, and showing its
 * own processes in the report. Does not own: starting them (money/cluster.ts), whether a target is allowed (target.ts).
 */
import { type Cluster, type ClusterOptions, startCluster } from "./money/cluster.ts";
import type { Report } from "./report/index.ts";

export interface Game {
  /** Without a slash at its end. */
  url: string;
  /** Undefined for a game of somebody else. */
  own: Cluster | undefined;
  /** Ends its own processes and nobody else's; their logs stay where `keep` is. */
  stop(keep: boolean): Promise<void>;
}

/** Shows the processes that run now; one that is started again has to be watched again. */
export function watchServices(cluster: Cluster, report: Report): void {
  for (const { child } of cluster.services)
    if (child.pid !== undefined) report.watch(child.options.name, child.pid);
}

/** @param target an address that target.ts has let through; empty for a game of its own */
export async function gameFor(
  target: string,
  options: ClusterOptions,
  signal: AbortSignal,
  report: Report,
): Promise<Game> {
  if (target !== "") return { url: target, own: undefined, stop: async () => undefined };
  report.phase("starting the game", 60);
  const own = await startCluster(options, signal);
  watchServices(own, report);
  const [url = ""] = own.gameUrls();
  return {
    url,
    own,
    async stop(keep) {
      for (const { child } of own.services)
        for (const crash of child.crashes)
          report.bound({ name: crash, value: 1, limit: 0, unit: "", holds: false });
      if (keep) report.note(`Logs and data are kept: ${own.folder}`);
      await own.stop(keep);
    },
  };
}
