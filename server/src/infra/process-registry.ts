/**
 * Which game processes are alive, and the rows of those that are not (R5). Owns: `mr:process:<processId>` (a heartbeat
 * that runs out), taking dead processes' rows out of Colyseus' two hashes, putting our own back when we were taken for
 * dead, how late the event loop is. Does not own: rounds and leases; joins go through safe-driver.ts.
 */
import type { Logger } from "./logger.ts";
import { type Redis, runScript, script } from "./redis.ts";

/** A process that says nothing for so long is dead, ms. */
export const HEARTBEAT_TTL_MS = 3_000;
const BEAT_MS = 500;
/** Every how many heartbeats the dead are looked for. */
const REAP_EVERY = 2;
/** Weight of the newest lag in the mean. */
const LAG_WEIGHT = 0.3;

export const processKey = (processId: string): string => `mr:process:${processId}`;

/**
 * KEYS roomcaches, roomcount. ARGV prefix of heartbeats. Deletes the rows of processes without a heartbeat, in one step
 * with looking for it: one that wakes up finds its heartbeat gone and writes its rows again.
 * Returns {rooms, processes} deleted.
 */
const REAP = script(
  "process.reap",
  `local alive = {}
   local function dead(id)
     if alive[id] == nil then alive[id] = redis.call('EXISTS', ARGV[1] .. id) == 1 end
     return not alive[id]
   end
   local rooms, processes = 0, 0
   local rows = redis.call('HGETALL', KEYS[1])
   for i = 1, #rows, 2 do
     local good, row = pcall(cjson.decode, rows[i + 1])
     if not good or type(row.processId) ~= 'string' or dead(row.processId) then
       rooms = rooms + redis.call('HDEL', KEYS[1], rows[i])
     end
   end
   for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
     if dead(id) then processes = processes + redis.call('HDEL', KEYS[2], id) end
   end
   return {rooms, processes}`,
);

/**
 * Whether the room's process listens for it and was heard of within `silentMs`. A killed process' connection is gone with
 * it: Redis knows before any heartbeat is missed.
 */
export async function isReachable(
  redis: Redis,
  { roomId, processId }: { roomId: string; processId: string },
  silentMs: number,
): Promise<{ listens: boolean; isHeard: boolean }> {
  const [left, listeners] = await Promise.all([
    redis.pttl(processKey(processId)),
    redis.call("PUBSUB", "NUMSUB", `$${roomId}`) as Promise<[string, number | string]>,
  ]);
  return { listens: Number(listeners[1]) > 0, isHeard: left > HEARTBEAT_TTL_MS - silentMs };
}

export interface RegistryDeps {
  redis: Redis;
  logger: Pick<Logger, "error" | "warn" | "info">;
  /** ms of a clock that never goes back. */
  clock(): number;
  /** Calls back after ms; returns what cancels it. */
  after(ms: number, work: () => void): () => void;
  /** Writes the rows of this process' own rooms again. */
  restore(): Promise<void>;
}

export class ProcessRegistry {
  private readonly processId: string;
  private readonly deps: RegistryDeps;
  private cancel = (): void => undefined;
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;
  private beats = 0;
  private lag = 0;

  constructor(processId: string, deps: RegistryDeps) {
    this.processId = processId;
    this.deps = deps;
  }

  /** How late this process' event loop is lately, ms. */
  get lagMs(): number {
    return this.lag;
  }

  /** Resolves with the first heartbeat; the others follow by themselves. */
  async start(): Promise<void> {
    await this.beat();
    this.next();
  }

  /** Says at once that this process is no more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.turn;
    await this.deps.redis.del(processKey(this.processId));
  }

  /** One heartbeat. Whoever was taken for dead meanwhile writes its rows again. */
  async beat(): Promise<void> {
    const { redis, logger, restore } = this.deps;
    const before = await redis.set(processKey(this.processId), "1", "PX", HEARTBEAT_TTL_MS, "GET");
    if (before === null && this.beats > 0) {
      logger.warn(
        { processId: this.processId },
        "this process was silent for too long: its rooms are listed again",
      );
      await restore();
    }
    if (this.beats++ % REAP_EVERY === 0) await this.reap();
  }

  /** Takes out the rows of dead processes; true when there were any. */
  async reap(): Promise<boolean> {
    const { redis, logger } = this.deps;
    const reply = await runScript(redis, REAP, ["roomcaches", "roomcount"], [processKey("")]);
    const [rooms = 0, processes = 0] = (reply as unknown[]).map(Number);
    if (rooms + processes > 0) logger.info({ rooms, processes }, "rows of dead processes are gone");
    return rooms + processes > 0;
  }

  private next(): void {
    if (this.stopped) return;
    const due = this.deps.clock() + BEAT_MS;
    this.cancel = this.deps.after(BEAT_MS, () => {
      const late = Math.max(0, this.deps.clock() - due);
      this.lag += (late - this.lag) * LAG_WEIGHT;
      this.turn = this.beat()
        .catch((err: unknown) => this.deps.logger.error({ err }, "a heartbeat failed"))
        .then(() => this.next());
    });
  }
}
