/**
 * Processes and their connections to Redis, with everything that goes wrong between them. Owns: latency, stalls, kills,
 * connections that break, Redis going away; that a broken connection's commands are sent again (as ioredis does).
 * Does not own: what a process does with its Redis.
 */
import type { Redis } from "../../../src/infra/redis.ts";
import type { RedisModel, Reply } from "./redis-model.ts";
import type { World } from "./world.ts";

interface Command {
  run(now: number): Reply;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** How often a command that was cut off is not sent again but left open, as on a connection that is closed for good. */
const UNCLEAR = 0.15;
const LATENCY_MS = [1, 4] as const;
const RECONNECT_MS = [20, 400] as const;

export class Server {
  readonly model: RedisModel;
  isUp = true;
  readonly connections = new Set<Connection>();

  constructor(model: RedisModel) {
    this.model = model;
  }
}

export class SimProcess {
  readonly name: string;
  readonly world: World;
  /** How far its clock is from the world's, ms. */
  readonly skewMs: number;
  isAlive = true;
  stalledUntil = 0;
  readonly connection: Connection;

  constructor(name: string, skewMs: number, world: World, server: Server) {
    this.name = name;
    this.skewMs = skewMs;
    this.world = world;
    this.connection = new Connection(this, server);
  }

  now(): number {
    return this.world.now + this.skewMs;
  }

  after(ms: number, work: () => void): () => void {
    let cancelled = false;
    this.world.at(this.world.now + ms, () => {
      if (!cancelled) this.run(work);
    });
    return () => {
      cancelled = true;
    };
  }

  /** Does something in this process: never once it is dead, later while it is stalled. */
  run(work: () => void): void {
    if (!this.isAlive) return;
    if (this.stalledUntil > this.world.now) this.world.at(this.stalledUntil, () => this.run(work));
    else work();
  }

  kill(): void {
    this.isAlive = false;
    this.connection.end();
  }
}

/** One process' connection: commands in order, answers in order. */
export class Connection {
  private readonly owner: SimProcess;
  private readonly server: Server;
  /** Sent or waiting to be sent, and not answered. */
  private unanswered: Command[] = [];
  private isOpen = true;
  private line = 0;
  private arrival = 0;
  private reply = 0;
  private isCut = false;
  /** Sees each answer of Redis right before the process does. */
  onAnswer: ((answer: Reply) => void) | undefined;

  constructor(owner: SimProcess, server: Server) {
    this.owner = owner;
    this.server = server;
    server.connections.add(this);
  }

  call(run: (now: number) => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const command = { run, resolve, reject };
      this.unanswered.push(command);
      if (this.isOpen) this.send(command);
    });
  }

  /** The connection is gone, with whatever was on its way; another is made by and by. */
  break(): void {
    const { world } = this.owner;
    this.line += 1;
    this.isOpen = false;
    const line = this.line;
    const cut = world.random.chance(UNCLEAR) ? this.unanswered.splice(0) : [];
    for (const { reject } of cut) this.owner.run(() => reject(new Error("the connection is closed")));
    const open = (): void => {
      if (this.line !== line || this.isOpen) return;
      if (!this.server.isUp) {
        world.at(world.now + 50, open);
        return;
      }
      this.isOpen = true;
      for (const command of this.unanswered) this.send(command);
    };
    world.at(world.now + world.random.int(...RECONNECT_MS), open);
  }

  /** Its process is dead: what was sent may still arrive. */
  end(): void {
    this.server.connections.delete(this);
    this.isCut = true;
  }

  private give(command: Command, answer: Reply | Error): void {
    if (answer instanceof Error) {
      command.reject(answer);
      return;
    }
    this.onAnswer?.(answer);
    // The answer is what made it stall or die.
    this.owner.run(() => command.resolve(answer));
  }

  private send(command: Command): void {
    const { world } = this.owner;
    const { line } = this;
    this.arrival = Math.max(this.arrival, world.now + world.random.int(...LATENCY_MS));
    world.at(this.arrival, () => {
      if (this.line !== line || !this.server.isUp) return;
      // Of what a dead process had sent, a first part arrives.
      if (this.isCut && world.random.chance(0.5)) this.line += 1;
      if (this.line !== line) return;
      let answer: Reply | Error;
      try {
        answer = command.run(world.now);
      } catch (error) {
        answer = error instanceof Error ? error : new Error(String(error));
      }
      this.reply = Math.max(this.reply, world.now + world.random.int(...LATENCY_MS));
      world.at(this.reply, () => {
        if (this.line !== line) return;
        this.unanswered = this.unanswered.filter((one) => one !== command);
        this.owner.run(() => this.give(command, answer));
      });
    });
  }
}

/** The part of ioredis that leases, journal and directory use, over a connection. */
export function clientOf({ connection }: SimProcess, { model }: Server): Redis {
  const one = (name: string, args: readonly unknown[]) =>
    connection.call((now) => model.execute(now, name, args.map(String)));
  const command =
    (name: string) =>
    (...args: unknown[]) =>
      one(name, args);
  const multi = () => {
    const steps: [name: string, args: unknown[]][] = [];
    const chain = {
      exec: () =>
        connection.call((now) =>
          steps.map(([name, args]) => [null, model.execute(now, name, args.map(String))]),
        ),
    };
    const add =
      (name: string) =>
      (...args: unknown[]) => {
        steps.push([name, args]);
        return chain;
      };
    return Object.assign(chain, { set: add("set"), zadd: add("zadd"), srem: add("srem") });
  };
  const names = ["get", "set", "smembers", "sadd", "xrange", "evalsha"];
  const client = { ...Object.fromEntries(names.map((name) => [name, command(name)])), multi };
  return client as unknown as Redis;
}
