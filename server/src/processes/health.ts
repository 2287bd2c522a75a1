/** /healthz for processes that serve nothing else. */
import { createServer } from "node:http";
import type { Lifecycle } from "../infra/lifecycle.ts";

export async function startHealth(host: string, port: number, life: Lifecycle): Promise<void> {
  const server = createServer((req, res) => {
    const known = req.url === "/healthz" || req.url === "/readyz";
    res
      .writeHead(known ? 200 : 404, { "content-type": "application/json" })
      .end(JSON.stringify({ ok: known }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  life.add("health", () => {
    server.closeAllConnections();
    server.close();
  });
}
