/**
 * A real nginx with deploy/nginx.conf, or as deploy/kubernetes has it, in front of games and relays that are written out in the test. Owns: its ports, folder and
 * process, what it asked of whom. Does not own: what the processes behind answer.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../support/ports.ts";
import { until } from "../support/wait.ts";

const root = resolve(import.meta.dirname, "../../..");

/** What the edge asked of a process behind it. */
export interface Asked {
  /** `game` or `relay`, and which one, from 1. */
  of: string;
  req: IncomingMessage;
  res: ServerResponse;
}

export interface Edge {
  url: string;
  /** In order. */
  asked: readonly Asked[];
  stop(): Promise<void>;
}

export const hasNginx = (): boolean => spawnSync("nginx", ["-v"]).status === 0;

const listen = (server: Server): Promise<number> =>
  new Promise((done) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      done(typeof address === "object" && address !== null ? address.port : 0);
    });
  });

const isListening = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });

/** Where the edge stands: `host` is deploy/nginx.conf, `cluster` deploy/kubernetes/edge.yaml. */
export type Place = "host" | "cluster";

/** The edge's file with these ports behind it, by the ones that stand in it. */
async function confOf(place: Place, own: number, ports: ReadonlyMap<string, number>, folder: string) {
  const file = join(root, "deploy", place === "host" ? "nginx.conf" : "kubernetes/edge.yaml");
  const text = await readFile(file, "utf8");
  if (place === "host")
    return text
      .replaceAll(
        /server 127\.0\.0\.1:(\d+)/g,
        (_line, port: string) => `server 127.0.0.1:${ports.get(port)}`,
      )
      .replace("listen 80;", `listen 127.0.0.1:${own};`);
  const [, indented = ""] = /edge\.conf: \|\n([\s\S]*?)\n---/.exec(text) ?? [];
  const server = indented
    .replaceAll("game-ready.meme-rounds.svc.cluster.local:2567", `127.0.0.1:${ports.get("2567")}`)
    .replaceAll("relay-ready.meme-rounds.svc.cluster.local:2567", `127.0.0.1:${ports.get("2572")}`)
    .replace(/resolver \S+/, "resolver 127.0.0.1")
    .replaceAll("/tmp/", `${folder}/`)
    .replace("listen 8080;", `listen 127.0.0.1:${own};`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path tmp/${kind};`,
  );
  return `pid nginx.pid; error_log error.log; events {} http { access_log off; ${paths.join(" ")}\n${server}\n}`;
}

/** Starts two games and two relays that answer as `answer` does, and the edge in front of them. */
export async function startEdge(place: Place, answer: (asked: Asked) => void): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), "meme-rounds-edge-"));
  await mkdir(join(folder, "tmp"));
  const asked: Asked[] = [];
  const servers: Server[] = [];
  const behind = async (of: string): Promise<number> => {
    const server = createServer((req, res) => {
      const one = { of, req, res };
      asked.push(one);
      answer(one);
    });
    servers.push(server);
    return await listen(server);
  };
  const ports = new Map([
    ["2567", await behind("game 1")],
    ["2577", await behind("game 2")],
    ["2572", await behind("relay 1")],
    ["2582", await behind("relay 2")],
  ]);
  const own = await freePort();
  await writeFile(join(folder, "nginx.conf"), await confOf(place, own, ports, folder));
  // Its workers would be somebody else otherwise, who may not look into a temporary folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const args = ["-p", `${folder}/`, "-c", join(folder, "nginx.conf"), "-g", `daemon off; ${user}`];
  const nginx = spawn("nginx", args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  nginx.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<void>((done) => nginx.once("exit", () => done()));
  const stop = async (): Promise<void> => {
    // It ends its workers when it is asked to, not when it is killed.
    nginx.kill("SIGTERM");
    await ended;
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(() => nginx.exitCode !== null || isListening(own), { what: "nginx" });
    if (nginx.exitCode !== null) throw new Error(`nginx did not start: ${said}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${own}`, asked, stop };
}
