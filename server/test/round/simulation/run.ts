/**
 * One seeded schedule of the lease simulation: processes, players, faults, and what must hold at the end.
 * Owns: the draw of faults, the judgement. Does not own: the system under test.
 */
import { type Entry, entrySchema } from "@meme-rounds/shared-schema/records";
import { replay } from "@meme-rounds/shared-schema/reducer";
import { ARENA, Host, type HostMutation, ROUND_SECONDS, type Seen } from "./host.ts";
import { clientOf, Server, SimProcess } from "./network.ts";
import { Player } from "./player.ts";
import { type Mutation, RedisModel } from "./redis-model.ts";
import { World } from "./world.ts";

/** Faults come for so long; then everything is whole again, ms. */
const TROUBLE_MS = 6_000;
/** By then somebody hosts the round, and players have answers: the lease, a look, coming back, clocks 2 s apart. */
const BOUND_MS = 5_500;
const SKEW_MS = 2_000;
/** Short, long, or just about as long as a lease: that is where two may believe that they are the owner. */
const STALLS_MS: readonly (readonly [least: number, most: number])[] = [
  [20, 1_500],
  [1_500, 6_000],
  [2_800, 4_200],
  [2_800, 4_200],
];
/** Longer than a lease. */
const LONG_MS = [3_100, 6_000] as const;
const SLOT_MS = ROUND_SECONDS * 1_000;
/** The start of a slot, long ago. */
const SLOT = 1_740_000_000_000;

export type Bug = Mutation | HostMutation;

export interface Outcome {
  violations: string[];
  log: string[];
  /** Acknowledgements, records, takeovers: what the schedule exercised. */
  promised: number;
  records: number;
  hosted: number;
}

/** With a bug put in, if one is given. */
export async function simulate(seed: number, bug?: Bug): Promise<Outcome> {
  const inHost = bug === "early-ack" || bug === "early-show";
  const hostMutation = inHost ? bug : undefined;
  const model = new RedisModel(inHost ? undefined : bug);
  // The slot ends somewhere in the trouble, or not at all; never so late that its successor has no time to show.
  const world = new World(seed, 0);
  const { random } = world;
  world.now = SLOT + random.int(0, SLOT_MS - 1);
  const endsIn = SLOT + SLOT_MS - world.now;
  const whole = TROUBLE_MS + (endsIn > TROUBLE_MS - 2_000 && endsIn < TROUBLE_MS + BOUND_MS ? endsIn : 0);
  const start = world.now;
  const server = new Server(model);
  const hosts: Host[] = [];
  const launch = (delayMs: number): void => {
    const name = `p${hosts.length}`;
    const skew = random.chance(0.5) ? 0 : random.int(-SKEW_MS, SKEW_MS);
    const process = new SimProcess(name, skew, world, server);
    const host = new Host(process, clientOf(process, server), {
      clients: random.int(0, 2_000),
      isTrouble: () => world.now < start + whole,
      mutation: hostMutation,
    });
    hosts.push(host);
    world.at(world.now + delayMs, () => host.start());
  };
  const count = random.int(2, 4);
  const together = random.chance(0.5);
  for (let made = 0; made < count; made++) launch(together ? 0 : random.int(0, 500));
  const players = ["a", "b", "c"].map((name) => new Player(name, world, server, () => hosts));
  for (const player of players) player.start();

  const alive = () => hosts.filter(({ process }) => process.isAlive);
  /** Mostly the one that matters. */
  const victim = (): Host | undefined => {
    const hosting = alive().filter(({ rooms }) => [...rooms.values()].some(({ isOver }) => !isOver));
    const among = hosting.length > 0 && random.chance(0.8) ? hosting : alive();
    return among.length === 0 ? undefined : random.pick(among);
  };
  const kill = (host: Host): void => {
    world.note(`kill ${host.process.name}`);
    host.process.kill();
    launch(random.int(200, 3_000));
  };
  const stall = (host: Host, [least, most] = random.pick(STALLS_MS)): void => {
    const ms = random.int(least, most);
    host.process.stalledUntil = Math.min(world.now + ms, start + whole);
    world.note(`stall ${host.process.name} for ${host.process.stalledUntil - world.now} ms`);
  };
  /** Something happens to it a few answers of Redis after it takes its next lease: while it opens or replays. */
  const ambush = (host: Host): void => {
    let left = random.int(0, 7);
    const deadly = random.chance(0.3);
    let armed = false;
    host.process.connection.onAnswer = (answer) => {
      armed ||= Array.isArray(answer) && answer.length === 2 && Number(answer[0]) > 0 && answer[1] === 0;
      if (!armed || left-- > 0) return;
      host.process.connection.onAnswer = undefined;
      if (world.now > start + whole) return;
      if (deadly) kill(host);
      else stall(host, LONG_MS);
    };
  };
  const restartRedis = (): void => {
    if (!server.isUp) return;
    const ms = Math.min(random.int(50, 4_500), Math.max(1, start + whole - world.now));
    world.note(`Redis is away for ${ms} ms`);
    server.isUp = false;
    for (const connection of [...server.connections]) connection.break();
    world.at(world.now + ms, () => {
      server.isUp = true;
    });
  };
  const fault = (): void => {
    const host = victim();
    const kind = random.int(0, 11);
    if (kind >= 10) restartRedis();
    else if (host === undefined) return;
    else if (kind >= 7) ambush(random.pick(alive()));
    else if (kind >= 5) kill(host);
    else if (kind >= 2) stall(host);
    else {
      world.note(`the connection of ${host.process.name} breaks`);
      host.process.connection.break();
    }
  };
  for (let left = random.int(1, 7); left > 0; left--) world.at(start + random.int(0, whole), fault);
  await world.run(start + whole + BOUND_MS);
  judgeLife(world, server, hosts, players, start + whole);
  const records = judgeJournals(world, model, players);
  judgeSeen(
    world,
    model,
    hosts.flatMap(({ seen }) => seen),
  );
  const promised = players.reduce((sum, one) => sum + one.promised.length, 0);
  const hosted = hosts.reduce((sum, one) => sum + one.rooms.size, 0);
  return { violations: world.violations, log: world.log, promised, records, hosted };
}

/** R1, R5: somebody hosts the slot, the directory says who, and everybody has an answer from after the trouble. */
function judgeLife(
  world: World,
  { model }: Server,
  hosts: readonly Host[],
  players: readonly Player[],
  wholeAt: number,
): void {
  const text = model.get(world.now, `mr:live:${ARENA}`);
  const live = text === undefined ? undefined : (JSON.parse(text) as { roundId: string; roomId: string });
  const slot = `${ARENA}-${(Math.floor(world.now / SLOT_MS) * SLOT_MS) / 1_000}`;
  if (live?.roundId !== slot) world.violated(`${slot} is not live: ${text}`);
  const host = hosts.find(({ rooms }) => rooms.has(live?.roomId ?? ""));
  const room = host?.rooms.get(live?.roomId ?? "");
  if (!host?.process.isAlive || room === undefined || room.isOver)
    world.violated(`the directory names ${live?.roomId}, which is nobody's`);
  for (const [at, player] of players.entries())
    if ((player.promised.at(-1)?.at ?? 0) < wholeAt)
      world.violated(`player ${at} has no answer since ${wholeAt}`);
}

/** R1, R4, R5: one chain a round, under tokens that never go down, with every promise in it once. */
function judgeJournals(world: World, model: RedisModel, players: readonly Player[]): number {
  const said = new Map<string, { roundId: string; seq: number; hash: string }>();
  let records = 0;
  for (const [key, items] of model.streams) {
    const roundId = key.slice("mr:journal:".length);
    const entries: Entry[] = items.map(([, fields]) => entrySchema.parse(JSON.parse(fields[1] ?? "")));
    records += entries.length;
    try {
      replay(entries);
    } catch (error) {
      world.violated(`${roundId} does not replay: ${String(error)}`);
    }
    if (entries.filter(({ record }) => record.kind === "open").length !== 1)
      world.violated(`${roundId} was not opened once`);
    const opensAt = Number(roundId.slice(roundId.lastIndexOf("-") + 1)) * 1_000;
    let token = 0;
    for (const append of model.appends.filter(({ stream }) => stream === key)) {
      if (append.token < Math.max(token, append.newest))
        world.violated(
          `${roundId} ${append.id} under token ${append.token} after ${token}, ${append.newest}`,
        );
      if (append.at < opensAt) world.violated(`${roundId} was opened ${opensAt - append.at} ms early`);
      token = append.token;
    }
    for (const { record, hash, private: beside } of entries) {
      if (record.kind !== "chat") continue;
      const text = beside?.text ?? "";
      if (said.has(text)) world.violated(`${text} stands twice in the journals`);
      said.set(text, { roundId, seq: record.seq, hash });
    }
  }
  if (new Set(model.taken).size < model.taken.length) world.violated("one token was given to two");
  for (const { promised } of players)
    for (const { text, roundId, seq, hash } of promised) {
      const found = said.get(text);
      if (found === undefined) world.violated(`${text} was promised and is lost`);
      else if (found.seq !== seq || found.hash !== hash || found.roundId !== roundId)
        world.violated(
          `${text} was promised as record ${seq} of ${roundId} and is ${found.seq} of ${found.roundId}`,
        );
    }
  return records;
}

/** R4: whatever anybody was shown of a round is what its journal says, by whichever process, however it ended. */
function judgeSeen(world: World, model: RedisModel, seen: readonly Seen[]): void {
  const hashes = new Map<string, string>();
  for (const [key, items] of model.streams)
    for (const [id, fields] of items)
      hashes.set(`${key.slice("mr:journal:".length)} ${id}`, (JSON.parse(fields[1] ?? "") as Entry).hash);
  for (const { roundId, seq, hash } of seen)
    if (hashes.get(`${roundId} ${seq}-0`) !== hash)
      world.violated(`record ${seq} of ${roundId} was shown and is not in the journal`);
}
