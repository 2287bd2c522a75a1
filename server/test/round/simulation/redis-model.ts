/**
 * What Redis does with the commands and scripts of leases, journal and directory, as a plain state machine.
 * Owns: that state and nothing else: no time of its own, no network. A property test holds it against a real Redis.
 */
import { LEASE_SCRIPTS } from "../../../src/infra/leases.ts";
import type { Script } from "../../../src/infra/redis.ts";
import { DIRECTORY_SCRIPTS } from "../../../src/round/directory.ts";
import { APPEND } from "../../../src/round/journal-store.ts";

export type Reply = null | number | string | Reply[];
export type Item = [id: string, fields: string[]];

/** Bugs that can be put in, to show that the simulation finds them. */
export type Mutation = "no-fence" | "same-token" | "no-marks" | "unfenced-live" | "early-slot";

const SCRIPTS = new Map<string, Script>(
  [...Object.values(LEASE_SCRIPTS), ...Object.values(DIRECTORY_SCRIPTS), APPEND].map((one) => [one.sha, one]),
);

const arg = (args: readonly string[], at: number): string => args[at] ?? "";

export class RedisModel {
  readonly streams = new Map<string, Item[]>();
  /** For each item that was added: the token it was added under, the newest one at that time, when. */
  readonly appends: { stream: string; id: string; token: number; newest: number; at: number }[] = [];
  /** Every lease that was taken, as `<key> <token>`. */
  readonly taken: string[] = [];
  private readonly strings = new Map<string, { value: string; endsAt: number }>();
  private readonly sets = new Map<string, Set<string>>();
  private readonly mutation: Mutation | undefined;

  constructor(mutation?: Mutation) {
    this.mutation = mutation;
  }

  /** One command, atomically, at `now` ms. Throws where Redis answers with an error. */
  execute(now: number, name: string, args: readonly string[]): Reply {
    switch (name) {
      case "get":
        return this.get(now, arg(args, 0)) ?? null;
      case "set":
        this.strings.set(arg(args, 0), { value: arg(args, 1), endsAt: Number.POSITIVE_INFINITY });
        return "OK";
      case "smembers":
        return [...(this.sets.get(arg(args, 0)) ?? [])];
      case "sadd": {
        const set = this.sets.get(arg(args, 0)) ?? new Set();
        this.sets.set(arg(args, 0), set.add(arg(args, 1)));
        return 1;
      }
      case "srem":
        return this.sets.get(arg(args, 0))?.delete(arg(args, 1)) ? 1 : 0;
      case "zadd":
        return 1;
      case "xrange":
        return this.range(arg(args, 0), arg(args, 1), Number(args[4] ?? Number.POSITIVE_INFINITY));
      case "evalsha":
        return this.script(
          now,
          arg(args, 0),
          args.slice(2, 2 + Number(args[1])),
          args.slice(2 + Number(args[1])),
        );
      default:
        throw new Error(`the model does not know ${name}`);
    }
  }

  /** A key with a time to live has run out. */
  expire(key: string): void {
    this.strings.delete(key);
  }

  get(now: number, key: string): string | undefined {
    const held = this.strings.get(key);
    if (held !== undefined && held.endsAt <= now) this.strings.delete(key);
    return held === undefined || held.endsAt <= now ? undefined : held.value;
  }

  private range(stream: string, from: string, count: number): Item[] {
    // Items have the ids 1-0, 2-0, ... without a gap: what is appended follows what is there.
    const first = Number(from.replace("(", "").split("-")[0]) + (from.startsWith("(") ? 1 : 0);
    const begin = from === "-" ? 0 : first - 1;
    return (this.streams.get(stream) ?? []).slice(begin, begin + count);
  }

  private script(now: number, sha: string, keys: readonly string[], args: readonly string[]): Reply {
    switch (SCRIPTS.get(sha)?.name) {
      case "lease.take":
        return this.take(now, keys, args);
      case "lease.renew":
        return this.renew(now, keys, args);
      case "lease.free": {
        if (this.get(now, arg(keys, 0)) !== args[0]) return 0;
        this.strings.delete(arg(keys, 0));
        return 1;
      }
      case "lease.release":
        return this.release(keys, args);
      case "journal.append":
        return this.append(now, keys, args);
      case "directory.live":
        return this.live(now, keys, args);
      case "directory.snapshot":
        return this.snapshot(now, keys, args);
      default:
        throw new Error(`NOSCRIPT ${sha}`);
    }
  }

  private take(now: number, keys: readonly string[], args: readonly string[]): Reply {
    const [lease, fence] = [arg(keys, 0), arg(keys, 1)];
    const notBefore = Number(args[1]);
    if (notBefore > now && this.mutation !== "early-slot") return [0, notBefore - now];
    const held = this.get(now, lease) === undefined ? undefined : this.strings.get(lease);
    if (held !== undefined)
      return [0, held.endsAt === Number.POSITIVE_INFINITY ? 1 : Math.max(1, held.endsAt - now)];
    const step = this.mutation === "same-token" ? 0 : 1;
    const token = Math.max(1, Number(this.get(now, fence) ?? 0) + step);
    this.execute(now, "set", [fence, String(token)]);
    this.strings.set(lease, { value: String(token), endsAt: now + Number(args[0]) });
    this.taken.push(`${lease} ${token}`);
    return [token, 0];
  }

  private renew(now: number, keys: readonly string[], args: readonly string[]): Reply {
    if (this.get(now, arg(keys, 1)) !== args[0]) return 0;
    this.strings.set(arg(keys, 0), { value: arg(args, 0), endsAt: now + Number(args[1]) });
    return 1;
  }

  private release(keys: readonly string[], args: readonly string[]): Reply {
    const fence = this.strings.get(arg(keys, 1));
    if (fence === undefined || fence.value !== args[0]) return 0;
    fence.value = String(Number(fence.value) + 1);
    this.strings.delete(arg(keys, 0));
    return 1;
  }

  private append(now: number, keys: readonly string[], args: readonly string[]): Reply {
    const stream = arg(keys, 1);
    const items = this.streams.get(stream) ?? [];
    const isThere = (at: number) => {
      const item = items[Number(arg(args, at).split("-")[0]) - 1];
      return item !== undefined && item[1][1] === arg(args, at + 1);
    };
    const isOwn = this.get(now, arg(keys, 0)) === args[0] || this.mutation === "no-fence";
    if (isOwn && this.range(stream, arg(args, 1), 1).length === 0) {
      this.streams.set(stream, items);
      for (let at = 1; at < args.length; at += 3) {
        const mark = this.mutation === "no-marks" ? "" : arg(args, at + 2);
        items.push([arg(args, at), ["e", arg(args, at + 1), "r", mark]]);
        const newest = Number(this.get(now, arg(keys, 0)));
        this.appends.push({ stream, id: arg(args, at), token: Number(args[0]), newest, at: now });
      }
      return 1;
    }
    if (isThere(args.length - 3)) return 1;
    return isOwn ? 2 : 0;
  }

  private live(now: number, keys: readonly string[], args: readonly string[]): Reply {
    const isOwn = this.get(now, arg(keys, 0)) === args[0] || this.mutation === "unfenced-live";
    if (!isOwn) return 0;
    const held = this.get(now, arg(keys, 1));
    const opened =
      held === undefined ? undefined : /\d+$/.exec((JSON.parse(held) as { roundId: string }).roundId);
    if (opened && Number(opened[0]) > Number(args[2])) return 0;
    this.execute(now, "set", [arg(keys, 1), arg(args, 1)]);
    return 1;
  }

  private snapshot(now: number, keys: readonly string[], args: readonly string[]): Reply {
    if (this.get(now, arg(keys, 0)) !== args[0] || this.get(now, arg(keys, 1)) !== args[1]) return 0;
    this.strings.set(arg(keys, 2), { value: arg(args, 2), endsAt: now + Number(args[3]) });
    return 1;
  }
}
