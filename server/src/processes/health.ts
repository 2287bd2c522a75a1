/** /healthz, /readyz and /metrics for processes that serve nothing else. */
import { createServer } from "node:http";
import type { Config } from "../config.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import { answerMetrics } from "../infra/metrics.ts";

type Options = Pick<Config, "HOST" | "PORT" | "METRICS_TOKEN">;

/** Listens on the process' own port and returns it. Rejects when the port is taken. */
export async function startHealth(options: Options, life: Lifecycle): Promise<number> {
  const server = createServer((req, res) => {
    const path = req.url?.split("?")[0];
    if (path === "/metrics") return void answerMetrics(req, res, options.METRICS_TOKEN);
    const known = path === "/healthz" || path === "/readyz";
    res
      .writeHead(known ? 200 : 404, { "content-type": "application/json" })
      .end(JSON.stringify({ ok: known }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.PORT, options.HOST, resolve);
  });
  life.add("health", () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : options.PORT;
}
