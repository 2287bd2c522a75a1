/**
 * Who watches where: every relay reports its load to Redis, and seats are given on the least loaded one.
 * Owns: `mr:relays`, `mr:audience:<roundId>`. Reads `mr:live:<arena>`. Does not own: sockets, which round is live.
 */
import { randomUUID } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { Redis } from "ioredis";
import { z } from "zod";

/** A report older than this is of a relay that died, ms. */
const FRESH_MS = 5_000;
/** Keys outlive the last report by this, s. */
const TTL_SECONDS = 60;
/**
 * Relays that carry so many more than the emptiest are not named to newcomers: more than arrive between two reports in a
 * rush, or all of it would go to one relay after the other. And how many are named at most.
 */
const NAMED_WITHIN = 5_000;
const NAMED_MOST = 64;
/** Seats are given from a copy at most this old, ms, so that a rush does not become a rush on Redis. */
const CACHE_MS = 500;

const RELAYS_KEY = "mr:relays";
const audienceKey = (roundId: string): string => `mr:audience:${roundId}`;
const liveKey = (arena: string): string => `mr:live:${arena}`;

const liveSchema = z.object({ roundId: z.string(), roomId: z.string() });
const relaySchema = z.object({
  publicAddress: z.string().optional(),
  sockets: z.number().int().nonnegative(),
  at: z.number(),
});
const countSchema = z.object({ sockets: z.number().int().nonnegative(), at: z.number() });

/** What the client SDK's consumeSeatReservation takes. */
export const seatSchema = z.strictObject({
  name: z.literal("round"),
  /** The round's id: a relay needs no other, and it survives a takeover of the room. */
  roomId: z.string(),
  sessionId: z.string(),
  processId: z.literal("spectate"),
  publicAddress: z.string().optional(),
});
type Seat = z.infer<typeof seatSchema>;

export interface SeatsOptions {
  relayId: string;
  publicAddress?: string;
  /** False where this process gives seats but carries no spectators itself. */
  carries: boolean;
}

interface Candidate {
  relayId: string;
  publicAddress?: string;
  sockets: number;
}

export interface Seats {
  /** A seat in the arena's live round. @throws CodedError ROUND_NONE, or UNAVAILABLE when no relay is up. */
  take(arena: string): Promise<Seat>;
  /** Addresses of the relays that newcomers may go to by themselves: those least loaded, as of the last few seconds. */
  named(): Promise<string[]>;
  /** Spectators of a round over all relays, as of the last few seconds. */
  spectators(roundId: string): Promise<number>;
  /** Says how many sockets this relay carries, in all rounds (0 removes a round). */
  report(rounds: ReadonlyMap<string, number>): Promise<void>;
  /** Takes this relay off the list: others get who comes from now on, where there are others (R11). */
  withdraw(rounds: Iterable<string>): Promise<void>;
}

function parse<S extends z.ZodType>(schema: S, text: string): z.output<S> | undefined {
  const result = schema.safeParse(JSON.parse(text));
  return result.success ? result.data : undefined;
}

export function createSeats(options: SeatsOptions, deps: { redis: Redis; now: () => number }): Seats {
  const { redis, now } = deps;
  // Promises, not values: who asks while Redis is being asked waits for the same answer.
  const live = new Map<string, { at: number; roundId: Promise<string | undefined> }>();
  let relays: { at: number; list: Promise<Candidate[]> } | undefined;
  let leaving = false;

  const askLive = async (arena: string): Promise<string | undefined> => {
    const text = await redis.get(liveKey(arena));
    return text === null ? undefined : parse(liveSchema, text)?.roundId;
  };

  const liveRound = (arena: string): Promise<string | undefined> => {
    const cached = live.get(arena);
    if (cached && now() - cached.at < CACHE_MS) return cached.roundId;
    const entry = { at: now(), roundId: askLive(arena) };
    live.set(arena, entry);
    // Only arenas that exist are remembered: the name comes from outside.
    const forget = (): void => {
      if (live.get(arena) === entry) live.delete(arena);
    };
    entry.roundId.then((id) => id === undefined && forget(), forget);
    return entry.roundId;
  };

  const askRelays = async (): Promise<Candidate[]> => {
    const list: Candidate[] = [];
    for (const [relayId, text] of Object.entries(await redis.hgetall(RELAYS_KEY))) {
      const row = parse(relaySchema, text);
      if (row === undefined || now() - row.at > FRESH_MS) continue;
      // Without an address a relay is reached only through the process that gave the seat.
      if (row.publicAddress === undefined && relayId !== options.relayId) continue;
      list.push({ relayId, publicAddress: row.publicAddress, sockets: row.sockets });
    }
    const isMissing = leaving ? list.length === 0 : !list.some(({ relayId }) => relayId === options.relayId);
    if (options.carries && isMissing)
      list.push({ relayId: options.relayId, publicAddress: options.publicAddress, sockets: 0 });
    return list;
  };

  const candidates = (): Promise<Candidate[]> => {
    if (relays && now() - relays.at < CACHE_MS) return relays.list;
    const asked = { at: now(), list: askRelays() };
    relays = asked;
    asked.list.catch(() => {
      if (relays === asked) relays = undefined;
    });
    return asked.list;
  };

  return {
    async take(arena) {
      const roundId = await liveRound(arena);
      if (roundId === undefined) throw new CodedError("ROUND_NONE");
      const [first, ...others] = await candidates();
      if (first === undefined) throw new CodedError("UNAVAILABLE", "No relay is up.");
      const best = others.reduce((least, one) => (one.sockets < least.sockets ? one : least), first);
      best.sockets++;
      return {
        name: "round",
        roomId: roundId,
        sessionId: randomUUID(),
        processId: "spectate",
        ...(best.publicAddress === undefined ? {} : { publicAddress: best.publicAddress }),
      };
    },
    async named() {
      const list = await candidates();
      const least = Math.min(...list.map(({ sockets }) => sockets));
      return list
        .flatMap(({ publicAddress, sockets }) =>
          publicAddress !== undefined && sockets <= least + NAMED_WITHIN ? [publicAddress] : [],
        )
        .slice(0, NAMED_MOST);
    },
    async spectators(roundId) {
      let sum = 0;
      for (const text of Object.values(await redis.hgetall(audienceKey(roundId)))) {
        const row = parse(countSchema, text);
        if (row && now() - row.at <= FRESH_MS) sum += row.sockets;
      }
      return sum;
    },
    async report(rounds) {
      if (!options.carries) return;
      const at = now();
      const multi = redis.multi();
      let total = 0;
      for (const [roundId, sockets] of rounds) {
        total += sockets;
        if (sockets === 0) multi.hdel(audienceKey(roundId), options.relayId);
        else multi.hset(audienceKey(roundId), options.relayId, JSON.stringify({ sockets, at }));
        multi.expire(audienceKey(roundId), TTL_SECONDS);
      }
      const { publicAddress } = options;
      if (!leaving) {
        multi.hset(RELAYS_KEY, options.relayId, JSON.stringify({ publicAddress, sockets: total, at }));
        multi.expire(RELAYS_KEY, TTL_SECONDS);
      }
      await multi.exec();
    },
    async withdraw(rounds) {
      if (!options.carries) return;
      leaving = true;
      relays = undefined;
      const multi = redis.multi().hdel(RELAYS_KEY, options.relayId);
      for (const roundId of rounds) multi.hdel(audienceKey(roundId), options.relayId);
      await multi.exec();
    },
  };
}
