/**
 * The allow and deny lists of addresses, the same in every process within a second (I5).
 * Owns: `mr:ip-rules` (hash: id to rule), `mr:ip-rules:version`, the channel that tells of a change, matching.
 * Does not own: who may change them (auth/ip-rules), what a refusal looks like (gate.ts).
 */
import { createHash } from "node:crypto";
import { BlockList, isIP } from "node:net";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { type IpRule, ipRuleSchema } from "@meme-rounds/shared-schema/rest-ip-rules";
import { parseBlock } from "./cidr.ts";
import { canonicalIp } from "./client-ip.ts";
import type { Logger } from "./logger.ts";
import { type Redis, runScript, script } from "./redis.ts";

/** Every request is held against all of them: more would be a firewall's work. */
export const MAX_IP_RULES = 1_000;

const RULES_KEY = "mr:ip-rules";
const VERSION_KEY = "mr:ip-rules:version";
const CHANNEL = "mr:ip-rules:changed";
/** Between two looks at the version, ms: what reaches a process whose subscription is broken. */
const POLL_MS = 500;

/**
 * Writes one rule or takes it away, and tells everybody.
 * KEYS: rules, version. ARGV: id, the rule as JSON or "" to take it away, how many there may be, channel.
 * Returns 1, 0 when there was none to take away, -1 when the list is full.
 */
const CHANGE = script(
  "ip-rules.change",
  `
if ARGV[2] == '' then
  if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
else
  if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return -1 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('PUBLISH', ARGV[4], redis.call('INCR', KEYS[2]))
return 1`,
);

export type IpVerdict = "allow" | "deny" | "none";

export interface IpRules {
  /** What the lists say of a canonical address. Allow beats deny; an address nobody knows is on none. */
  verdict(ip: string): IpVerdict;
  /** What they would say with one rule more, or without one. */
  verdictWith(ip: string, change: { add?: IpRule; without?: string }): IpVerdict;
  list(): IpRule[];
  /** Adds a rule; the same block on the same list is replaced. Throws IP_RULES_FULL. */
  add(rule: Omit<IpRule, "id">): Promise<IpRule>;
  /** Throws IP_RULE_UNKNOWN. */
  remove(id: string): Promise<void>;
  /** Called after each change, wherever it was made, and when a rule has run out. */
  onChange(listener: () => void): void;
  stop(): Promise<void>;
}

export interface IpRulesDeps {
  redis: Redis;
  /** Makes a connection of its own for the subscription, closed by `stop`. */
  connect(): Redis;
  logger: Logger;
  /** ms since the epoch. */
  now(): number;
}

interface Lists {
  allow: BlockList;
  deny: BlockList;
  /** Nothing has to be looked up: so it is most of the time, for every request. */
  isEmpty: boolean;
}

/** One block on one list is one rule. */
const idOf = ({ kind, cidr }: Pick<IpRule, "kind" | "cidr">): string =>
  createHash("sha256").update(`${kind} ${cidr}`).digest("hex").slice(0, 16);

function listsOf(rules: Iterable<IpRule>, at: number): Lists {
  const lists = { allow: new BlockList(), deny: new BlockList(), isEmpty: true };
  for (const { kind, cidr, expiresAt } of rules) {
    const block = parseBlock(cidr);
    if (block === undefined || (expiresAt !== undefined && expiresAt <= at)) continue;
    lists[kind].addSubnet(block.network, block.prefix, block.family);
    lists.isEmpty = false;
  }
  return lists;
}

function verdictOf({ allow, deny, isEmpty }: Lists, ip: string): IpVerdict {
  if (isEmpty) return "none";
  const address = canonicalIp(ip);
  if (address === undefined) return "none";
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (allow.check(address, family)) return "allow";
  return deny.check(address, family) ? "deny" : "none";
}

/** Resolves when the rules are read for the first time. */
export async function createIpRules(options: { pollMs?: number }, deps: IpRulesDeps): Promise<IpRules> {
  const { redis, logger, now } = deps;
  const listeners: (() => void)[] = [];
  let rules = new Map<string, IpRule>();
  let lists = listsOf([], 0);
  let version = "";
  let nextExpiry = Number.POSITIVE_INFINITY;
  let busy: Promise<void> | undefined;
  let again = false;

  const rebuild = (): void => {
    const at = now();
    lists = listsOf(rules.values(), at);
    nextExpiry = Math.min(
      Number.POSITIVE_INFINITY,
      ...[...rules.values()].flatMap(({ expiresAt }) =>
        expiresAt !== undefined && expiresAt > at ? [expiresAt] : [],
      ),
    );
    for (const listener of listeners) listener();
  };

  const read = async (): Promise<void> => {
    // The version first: a change between the two is read again.
    const seen = (await redis.get(VERSION_KEY)) ?? "0";
    if (seen === version) return;
    const found = new Map<string, IpRule>();
    const stale: string[] = [];
    for (const [id, text] of Object.entries(await redis.hgetall(RULES_KEY))) {
      const rule = parse(text);
      if (rule === undefined) logger.error({ id }, "an IP rule in Redis cannot be read: left out");
      else if (rule.expiresAt !== undefined && rule.expiresAt <= now()) stale.push(id);
      else found.set(id, rule);
    }
    if (stale.length > 0) await redis.hdel(RULES_KEY, ...stale);
    rules = found;
    version = seen;
    rebuild();
  };

  /** One read at a time; a change heard of meanwhile is read after it. */
  const refresh = (): Promise<void> => {
    if (busy !== undefined) {
      again = true;
      return busy;
    }
    busy = (async () => {
      try {
        do {
          again = false;
          await read();
        } while (again);
      } finally {
        busy = undefined;
      }
    })();
    return busy;
  };

  const refreshQuietly = (): void => {
    refresh().catch((err: unknown) =>
      logger.warn({ err }, "the IP rules could not be read: the last ones hold"),
    );
  };

  const change = async (id: string, text: string): Promise<unknown> => {
    const outcome = await runScript(
      redis,
      CHANGE,
      [RULES_KEY, VERSION_KEY],
      [id, text, MAX_IP_RULES, CHANNEL],
    );
    // Who changed it sees it at once; the others hear of it.
    await refresh();
    return outcome;
  };

  const current = (): Lists => {
    if (now() >= nextExpiry) rebuild();
    return lists;
  };

  const subscriber = deps.connect();
  subscriber.on("error", (err: unknown) => logger.warn({ err }, "IP rules: Redis connection"));
  subscriber.on("message", refreshQuietly);
  await Promise.all([subscriber.subscribe(CHANNEL), refresh()]);
  const poll = setInterval(() => {
    // A command would wait for Redis to come back, and one more would join it each time.
    if (redis.status === "ready") refreshQuietly();
    current();
  }, options.pollMs ?? POLL_MS);
  poll.unref();

  return {
    verdict: (ip) => verdictOf(current(), ip),
    verdictWith(ip, { add, without }) {
      const kept = [...rules].flatMap(([id, rule]) => (id === without ? [] : [rule]));
      return verdictOf(listsOf(add === undefined ? kept : [...kept, add], now()), ip);
    },
    list: () => [...rules.values()].sort((left, right) => right.createdAt - left.createdAt),
    async add(fields) {
      const rule = { id: idOf(fields), ...fields };
      if ((await change(rule.id, JSON.stringify(rule))) === -1) throw new CodedError("IP_RULES_FULL");
      return rule;
    },
    async remove(id) {
      if ((await change(id, "")) === 0) throw new CodedError("IP_RULE_UNKNOWN");
    },
    onChange: (listener) => void listeners.push(listener),
    async stop() {
      clearInterval(poll);
      subscriber.disconnect();
    },
  };
}

function parse(text: string): IpRule | undefined {
  try {
    const parsed = ipRuleSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: the caller says so in the log.
    return undefined;
  }
}
