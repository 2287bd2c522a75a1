/** The audience end to end: room, tap, Redis, relay and the unmodified client SDK (design 7 and 8, R6, R11). */
import assert from "node:assert/strict";
import { Protocol } from "@colyseus/core";
import { MemeView, ResultView } from "@meme-rounds/shared-schema/sync-state";
import { Client, type Room as SdkRoom } from "colyseus.js";
import { Redis } from "ioredis";
import { WebSocket } from "ws";
import { AUDIENCE_CLOSE } from "../../src/audience/index.ts";
import { counter } from "../../src/infra/metrics.ts";
import { TAP_LOG_LENGTH, tapKeys } from "../../src/infra/tap-format.ts";
import { createRandom, type SeededRandom } from "../support/random.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/wait.ts";
import { type Stage, type StageRoom, type StageState, setStage } from "./stage.ts";

const SECRET = "the creator is alice";

/** One random change of the kinds a round makes, and some it does not. */
function mutate({ state }: StageRoom, random: SeededRandom, step: number): void {
  const { memes } = state.round;
  // A patch that begins with the root does not say so: joiners must be told where it begins.
  if (random.chance(0.5)) state.padding = `padding ${step}`;
  state.round.serverTime = step;
  const keys = [...memes.keys()];
  const roll = random.next();
  if (keys.length === 0 || roll < 0.3) {
    const meme = new MemeView();
    meme.memeId = `meme-${random.int(0, 40)}`;
    meme.title = `title ${step}`;
    meme.image = `/media/${step}`;
    // Not every object has it: one that is taken for another, with the same id, shows.
    if (random.chance(0.5)) meme.creator = `creator ${step}`;
    memes.set(meme.memeId, meme);
  } else if (roll < 0.5) memes.delete(random.pick(keys));
  else {
    const meme = memes.get(random.pick(keys));
    if (meme) meme.boostSats += random.int(1, 1_000);
  }
  state.feed.push(`line ${step}`);
  if (state.feed.length > 10) state.feed.shift();
  if (random.chance(0.1)) state.feed.splice(random.int(0, state.feed.length - 1), 1);
  if (random.chance(0.1)) state.secret = `${SECRET} ${step}`;
}

const publicJson = (state: StageState): string => {
  const { secret: _secret, ...rest } = state.toJSON() as Record<string, unknown>;
  return sorted(rest);
};
/** Order of map keys is the insertion's, which a joiner cannot know. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  );

const sees = (spectator: SdkRoom<unknown, StageState>, round: StageRoom): Promise<true> =>
  until(() => sorted(spectator.state.toJSON()) === publicJson(round.state), {
    what: "a spectator with the round's state",
    deadlineMs: 10_000,
  });

const left = (spectator: SdkRoom<unknown, StageState>): { code?: number } => {
  const seen: { code?: number } = {};
  spectator.onLeave((code) => {
    seen.code = code;
  });
  return seen;
};

describe("audience: tap and relay", () => {
  let redis: TestRedis;
  let stage: Stage;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.close());
  afterEach(() => stage.close());

  /** `steps` patches as fast as Redis takes them. */
  const play = async (
    round: StageRoom,
    random: SeededRandom,
    steps: number,
    each?: (step: number) => void,
  ) => {
    for (let step = 0; step < steps; step++) {
      mutate(round, random, step);
      round.patch();
      each?.(step);
      await stage.redis.ping();
    }
  };

  it("20 spectators who join at random moments end with exactly the round's state, without viewed fields (R6)", async () => {
    stage = await setStage(redis);
    const random = createRandom(20_261_122);
    const left = new Redis(redis.url);
    const bytes: Buffer[] = [];
    left.on("messageBuffer", (_channel: Buffer, message: Buffer) => void bytes.push(message));
    const { channel, full, log } = tapKeys("main-1000");
    await left.subscribe(channel);
    const round = await stage.openRound("main-1000");
    const joins = new Map(Array.from({ length: 20 }, (_, index) => [index * 45 + random.int(0, 44), index]));
    const joined: Promise<SdkRoom<unknown, StageState>>[] = [];
    const texts: string[] = [];
    await play(round, random, 1_000, (step) => {
      if (!joins.has(step)) return;
      joined.push(
        stage.spectate().then((spectator) => {
          spectator.onStateChange((state) => void texts.push(JSON.stringify(state.toJSON())));
          return spectator;
        }),
      );
    });
    const spectators = await Promise.all(joined);
    assert.equal(spectators.length, 20);
    for (const spectator of spectators) await sees(spectator, round);
    round.state.padding = "the last patch touches the root only, and no snapshot holds it";
    round.patch(0);
    await sees(await stage.spectate(), round);
    // Patches are joined on the way: ten a second at most.
    assert.ok(texts.length > 60, "spectators followed live");
    assert.ok(!texts.some((text) => text.includes(SECRET)), "a field of a view left the process");
    left.disconnect();
    // Not only what clients make of it: no byte on the channel or in the tap's keys says it.
    const kept = await stage.redis.getBuffer(full);
    bytes.push(kept ?? Buffer.alloc(0), ...(await stage.redis.lrangeBuffer(log, 0, -1)));
    assert.ok(bytes.length > 1_000 && kept?.includes("title "), "the tap's bytes were seen");
    assert.ok(!bytes.some((each) => each.includes(SECRET)), "a field of a view is in the tap");
    // The same field does reach a player who has the view: the check above can fail.
    const player = await new Client(`http://127.0.0.1:${stage.roomPort}`).joinById<StageState>(
      round.room.roomId,
    );
    await until(() => player.state.secret?.startsWith(SECRET));
    await until(async () => (await stage.audience.spectators("main-1000")) === 21, { what: "21 counted" });
  });

  it("fills one lost publish from the log, and sends the whole state when the log is too short", async () => {
    stage = await setStage(redis);
    const random = createRandom(7);
    const round = await stage.openRound("main-2000");
    const spectator = await stage.spectate();
    const kinds: number[] = [];
    const raw = new WebSocket(`ws://127.0.0.1:${stage.port}/spectate/main-2000?sessionId=raw`);
    raw.on("message", (data: Buffer) => {
      kinds.push(data[0] ?? 0);
      if (data[0] === Protocol.JOIN_ROOM) raw.send(Buffer.from([Protocol.JOIN_ROOM]));
    });
    await play(round, random, 50);
    await sees(spectator, round);
    const gaps = async (): Promise<number> => {
      const { values } = await counter("mr_audience_resyncs_total", "", ["reason"]).get();
      return values.reduce((sum, { value }) => sum + value, 0);
    };
    const subscriber = stage.connections[1];
    assert.ok(subscriber);
    for (const [lose, wholeStates] of [
      [1, 0],
      [TAP_LOG_LENGTH + 70, 1],
    ] as const) {
      await until(() => kinds.length > 1);
      const before = await gaps();
      let lost = 0;
      subscriber.drop = () => lost < lose && ++lost > 0;
      await play(round, random, lose + 40);
      await sees(spectator, round);
      assert.equal(lost, lose);
      assert.equal((await gaps()) - before, wholeStates);
      const late = await stage.spectate();
      await sees(late, round);
      await late.leave();
    }
    raw.terminate();
  });

  it("carries chat and notices as room messages, and shows joiners the last lines (R10)", async () => {
    const lines = ["first", "second"];
    stage = await setStage(redis, { greeting: () => lines });
    const round = await stage.openRound("main-3000");
    const heard: unknown[] = [];
    const listen = (spectator: SdkRoom<unknown, StageState>, into: unknown[]) => {
      spectator.onMessage("*", (type, payload) => void into.push([type, payload]));
      return spectator;
    };
    const early = listen(await stage.spectate(), heard);
    await sees(early, round);
    round.tap.message("chat", { playKey: "02ab", text: "grüße 🐸" });
    round.tap.message("notice", { kind: "drain", seconds: 660 });
    const live = [
      ["chat", { playKey: "02ab", text: "grüße 🐸" }],
      ["notice", { kind: "drain", seconds: 660 }],
    ];
    const greeting = lines.map((text) => ["chat", { text }]);
    await until(() => heard.length >= 4);
    assert.deepEqual(heard, [...greeting, ...live]);
    const lateHeard: unknown[] = [];
    await sees(listen(await stage.spectate(), lateHeard), round);
    await until(() => lateHeard.length >= 4);
    assert.deepEqual(lateHeard, [...greeting, ...live]);
  });

  it("answers pings, takes leave, and ignores commands of a spectator", async () => {
    stage = await setStage(redis);
    const round = await stage.openRound("main-3500");
    const spectator = await stage.spectate();
    await sees(spectator, round);
    let ms = -1;
    spectator.send("boost", { sats: 10 });
    spectator.ping((value) => {
      ms = value;
    });
    await until(() => ms >= 0, { what: "a pong" });
    const seen = left(spectator);
    await spectator.leave();
    assert.equal(seen.code, 4_000);
  });

  it("drops a spectator who does not read, and keeps the others", async () => {
    stage = await setStage(redis, { limits: { maxBufferedBytes: 64 * 1024 } });
    const round = await stage.openRound("main-4000");
    const good = await stage.spectate();
    const slow = new WebSocket(`ws://127.0.0.1:${stage.port}/spectate/main-4000?sessionId=slow`);
    let frames = 0;
    slow.on("message", (data: Buffer) => {
      frames++;
      if (data[0] === Protocol.JOIN_ROOM) slow.send(Buffer.from([Protocol.JOIN_ROOM]));
    });
    await until(() => frames >= 2, { what: "the slow spectator's state" });
    slow.pause();
    await until(async () => (await stage.audience.spectators("main-4000")) === 2);
    await until(
      async () => {
        for (let burst = 0; burst < 5; burst++) {
          round.state.padding = String(burst % 10).repeat(200_000);
          round.patch();
        }
        await stage.redis.ping();
        return (await stage.audience.spectators("main-4000")) === 1;
      },
      { what: "the slow spectator dropped", deadlineMs: 15_000, everyMs: 1 },
    );
    await sees(good, round);
    slow.terminate();
  });

  it("closes with the code for a new seat when the tap falls silent or ends (R11)", async () => {
    stage = await setStage(redis, { limits: { silenceMs: 1_000 } });
    const silent = await stage.openRound("main-5000");
    const watcher = await stage.spectate();
    await sees(watcher, silent);
    const onSilence = left(watcher);
    await until(() => onSilence.code, { what: "a close after silence" });
    assert.equal(onSilence.code, AUDIENCE_CLOSE.reseat);

    const ended = await stage.openRound("main-5001", 1);
    await until(() => liveIs("main-5001"));
    const second = await stage.spectate();
    await sees(second, ended);
    const onEnd = left(second);
    await ended.tap.close();
    await until(() => onEnd.code, { what: "a close at the end", deadlineMs: 900 });
    assert.equal(onEnd.code, AUDIENCE_CLOSE.reseat);
  });

  it("24 spectators who came before, during and after takeovers have the last owner's state on the sockets they had; chat comes once (R5)", async () => {
    const lines = ["said before"];
    stage = await setStage(redis, { greeting: () => lines });
    const say = (round: StageRoom, text: string): void => {
      lines.push(text);
      round.tap.message("chat", { text });
    };
    const random = createRandom(5);
    const texts: string[][] = [];
    const closed: number[] = [];
    const joined: Promise<SdkRoom<unknown, StageState>>[] = [];
    const join = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const heard: string[] = [];
        texts.push(heard);
        joined.push(
          stage.spectate().then((spectator) => {
            spectator.onMessage("chat", ({ text }: { text: string }) => void heard.push(text));
            spectator.onLeave((code) => void closed.push(code));
            return spectator;
          }),
        );
      }
    };
    let owner = await stage.openRound("main-5002", 1);
    join(8);
    await play(owner, random, 120);
    await Promise.all(joined);
    for (const epoch of [2, 3, 4_095]) {
      // Nobody says that it is over: the owner is gone, and what it says later is not heard.
      const dead = owner;
      owner = await stage.openRound("main-5002", epoch);
      owner.state.round.result = new ResultView();
      say(owner, `first of ${epoch}`);
      dead.tap.message("chat", { text: "from the dead" });
      join(2);
      await play(owner, random, 120, (step) => {
        if (step % 60 === 30) join(1);
        if (step < 5) mutate(dead, random, step);
        if (step < 5) dead.patch();
        if (step === 100) say(owner, `last of ${epoch}`);
      });
    }
    join(4);
    const spectators = await Promise.all(joined);
    assert.equal(spectators.length, 24);
    for (const spectator of spectators) await sees(spectator, owner);
    await until(() => texts.every((heard) => heard.includes("last of 4095")), { what: "the last line" });
    for (const heard of texts) assert.equal(new Set(heard).size, heard.length, `twice: ${heard.join()}`);
    for (const heard of texts.slice(0, 8))
      assert.deepEqual(
        heard.filter((text) => text !== "said before"),
        [2, 3, 4_095].flatMap((epoch) => [`first of ${epoch}`, `last of ${epoch}`]),
      );
    assert.deepEqual(closed, []);
  });

  const liveIs = async (roundId: string): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${stage.port}/api/audience/seat`);
    const seat = (await answer.json()) as { roomId: string };
    return seat.roomId === roundId;
  };

  it("gives no seat where no round is live, and refuses rounds without a tap", async () => {
    stage = await setStage(redis, { limits: { waitMs: 200 } });
    const answer = await fetch(`http://127.0.0.1:${stage.port}/api/audience/seat?arena=empty`);
    assert.equal(answer.status, 503);
    assert.equal(((await answer.json()) as { code: string }).code, "ROUND_NONE");
    const socket = new WebSocket(`ws://127.0.0.1:${stage.port}/spectate/made-up?sessionId=x`);
    const code = await new Promise((resolve) => socket.once("close", resolve));
    assert.equal(code, AUDIENCE_CLOSE.reseat);
  });

  it("names its public address in a seat, and sends a reconnecting client for a new one", async () => {
    stage = await setStage(redis, { publicAddress: "relay-1.example:443" });
    await stage.openRound("main-6000");
    const answer = await fetch(`http://127.0.0.1:${stage.port}/api/audience/seat`);
    const seat = (await answer.json()) as Record<string, string>;
    assert.equal(seat.publicAddress, "relay-1.example:443");
    assert.deepEqual([seat.name, seat.roomId, seat.processId], ["round", "main-6000", "spectate"]);
    const url = `ws://127.0.0.1:${stage.port}/spectate/main-6000?sessionId=x&reconnectionToken=spectator`;
    const socket = new WebSocket(url);
    const code = await new Promise((resolve) => socket.once("close", resolve));
    assert.equal(code, AUDIENCE_CLOSE.reseat);
  });
});
