/**
 * The services as separate processes under PM2: `npm run pm2`, and `npm run pm2:reload` for a new build
 * (docs/OPERATIONS.md, Deploying).
 * Owns: which processes there are, on which ports, how long each may take to start and to stop. Does not own: settings;
 * they come from the shell that runs pm2 (server/src/config.ts names them all). Redis, the network and AITubo have to be
 * there already: the stand-ins of `npm start` are not for this.
 * PM2 loads this file with require(), which takes the named export of an ES module.
 *
 * GAMES game processes and RELAYS relay processes; with more than one process clients need an address for each:
 * PUBLIC_HOST is the name of the proxy in front (deploy/nginx.conf), which finds a process by the port in the path.
 * Without it they are reached directly, which is for trying things out on one machine.
 */
import { join } from "node:path";

const root = import.meta.dirname;
const port = Number(process.env.PORT ?? 2567);
const auditorPort = Number(process.env.AUDITOR_PORT ?? port + 1);
const games = Number(process.env.GAMES ?? 1);
const relays = Number(process.env.RELAYS ?? 0);
/** Relays' spectators come in on the port after their own (docs/OPERATIONS.md, Scaling). */
const onUws = process.env.AUDIENCE_TRANSPORT === "uws";
const drainSeconds = Number(process.env.DRAIN_SECONDS ?? 660);
/** Beyond the drain, ms: what main.ts gives itself, and a little more before PM2 kills. */
const stopMs = 20_000;
/** A worker ends its job; what it does not end in time, another one does again, ms. */
const jobMs = 60_000;

/** Ports of one kind of process: the edge knows a game by its 7 and a relay by its 2 at the end. */
const portsOf = (count, first) => Array.from({ length: count }, (_, at) => first + 10 * at);

/** Where a relay's spectators come in. */
const socketsOf = (ownPort) => (onUws ? ownPort + 1 : ownPort);

/** Under which clients reach this very process; nothing where there is only one. */
function addressOf(ownPort) {
  if (process.env.PUBLIC_HOST) return { PUBLIC_ADDRESS: `${process.env.PUBLIC_HOST}/${ownPort}` };
  if (games + relays === 1) return {};
  const reached = (port) => `${process.env.HOST ?? "127.0.0.1"}:${port}`;
  return {
    PUBLIC_ADDRESS: reached(ownPort),
    // The page of one process opens sockets to all.
    PAGE_CONNECT:
      process.env.PAGE_CONNECT ??
      [...portsOf(games, port), ...portsOf(relays, port + 5).map(socketsOf)]
        .map((each) => `ws://${reached(each)}`)
        .join(),
  };
}

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
    kill_timeout: jobMs,
    // The signal is for the process: its helpers are needed until it has drained, and end with it.
    treekill: false,
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
      // What the shell says of it is for relays; any other process refuses it.
      AUDIENCE_TRANSPORT: "ws",
      ...env,
    },
    ...options,
  };
}

/** A process of spectators alone. */
const relay = (name, ownPort) =>
  faced(name, "audience", ownPort, {
    ...RELAY_MEMORY,
    ...addressOf(socketsOf(ownPort)),
    AUDIENCE_TRANSPORT: onUws ? "uws" : "ws",
    UWS_PORT: String(socketsOf(ownPort)),
  });

/** Clients come to it: a live round is finished or handed over, spectators go elsewhere, before it stops (R11). */
function faced(name, services, ownPort, env = {}) {
  return app(name, services, ownPort, {
    kill_timeout: drainSeconds * 1_000 + stopMs,
    env: { ...addressOf(ownPort), ...env },
  });
}

/**
 * What a relay throws away is gone within a moment. On a large machine Node would gather 100 MB of it first: more memory
 * than all its sockets take, and slower.
 */
const RELAY_MEMORY = { NODE_OPTIONS: "--max-semi-space-size=8" };

const numbered = (name, count, at) => (count === 1 ? name : `${name}-${at + 1}`);

export const apps = [
  app("auditor", "auditor", auditorPort),
  app("payment-worker", "payment-worker", port + 2),
  app("content-worker", "content-worker", port + 3),
  app("model-worker", "model-worker", port + 4),
  ...portsOf(games, port).map((own, at) =>
    faced(numbered("game", games, at), "auth,content,round,payment,audience", own),
  ),
  ...portsOf(relays, port + 5).map((own, at) => relay(numbered("relay", relays, at), own)),
];
