/** /healthz, /readyz and /metrics for processes that serve nothing else. */
import { createServer } from "node:http";
import type { Config } from "../config.ts";
import type { Lifecycle } from "../infra/lifecycle.ts";
import { answerMetrics } from "../infra/metrics.ts";
import { createScaleSignals } from "../infra/scale-signals.ts";

type Options = Pick<Config, "HOST" | "PORT" | "METRICS_TOKEN">;

/** Listens on the process' own port and returns it; `details` stand in /readyz. Rejects when the port is taken. */
export async function startHealth(
  options: Options,
  life: Lifecycle,
  details?: () => Promise<Record<string, unknown>>,
): Promise<number> {
  const server = createServer((req, res) => {
    const path = req.url?.split("?")[0];
    if (path === "/metrics") return void answerMetrics(req, res, options.METRICS_TOKEN);
    const known = path === "/healthz" || path === "/readyz";
    const answer = (status: number, body: Record<string, unknown>) =>
      res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (path === "/readyz" && life.isDraining) return void answer(503, { ok: false });
    if (path !== "/readyz" || !details) return void answer(known ? 200 : 404, { ok: known });
    details().then(
      (more) => answer(200, { ok: true, ...more }),
      () => answer(503, { ok: false }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.PORT, options.HOST, resolve);
  });
  life.add("health", () => {
    server.closeAllConnections();
    server.close();
  });
  const signals = createScaleSignals({}, { life });
  life.add("scale signals", () => signals.stop());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : options.PORT;
}
