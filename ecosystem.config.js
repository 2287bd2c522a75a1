/**
 * The services as separate processes under PM2: `npx pm2 start ecosystem.config.js`.
 * Owns: which processes there are, how long each may take to start and to stop. Does not own: settings; they come from
 * the shell that runs pm2 (server/src/config.ts names them all). Redis, the network and AITubo have to be there already:
 * the stand-ins of `npm start` are not for this.
 * PM2 loads this file with require(), which takes the named export of an ES module.
 */
import { join } from "node:path";

const root = import.meta.dirname;
const port = Number(process.env.PORT ?? 2567);
const auditorPort = Number(process.env.AUDITOR_PORT ?? port + 1);
const drainSeconds = Number(process.env.DRAIN_SECONDS ?? 660);
const stopMs = 15_000;

/** One process of ours; `ownPort` is where it answers /healthz. */
function app(name, services, ownPort, more = {}) {
  const { env, ...options } = more;
  return {
    name,
    cwd: root,
    script: "server/src/main.ts",
    interpreter: join(root, "node_modules", "node", "bin", "node"),
    exec_mode: "fork",
    instances: 1,
    // main.ts sends "ready" when it answers; without it PM2 goes on after listen_timeout, ms.
    wait_ready: true,
    listen_timeout: 30_000,
    kill_timeout: stopMs,
    // A process that cannot stay up is a matter for an operator, not for an endless loop.
    max_restarts: 10,
    min_uptime: 10_000,
    restart_delay: 500,
    merge_logs: true,
    env: {
      SERVICES: services,
      PORT: String(ownPort),
      AUDITOR_PORT: String(auditorPort),
      AUDITOR_URL: process.env.AUDITOR_URL ?? `http://127.0.0.1:${auditorPort}`,
      DRAIN_SECONDS: String(drainSeconds),
      ...env,
    },
    ...options,
  };
}

export const apps = [
  app("auditor", "auditor", auditorPort),
  app("payment-worker", "payment-worker", port + 2),
  app("content-worker", "content-worker", port + 3),
  app("model-worker", "model-worker", port + 4),
  // A live round is finished or handed over before the process goes (R11).
  app("game", "auth,content,round,payment,audience", port, { kill_timeout: drainSeconds * 1_000 + stopMs }),
];
