/**
 * What a room does between two patches, for who joins, and at its close, without sockets: rounds of 2,000 and of 10,000
 * players, 200 memes, boosts on all of them. Each beside what it cannot be faster than.
 */
import { decide } from "@meme-rounds/shared-schema/decide";
import { canonicalJson } from "@meme-rounds/shared-schema/hash";
import { type Entry, seal } from "@meme-rounds/shared-schema/records";
import { apply } from "@meme-rounds/shared-schema/reducer";
import type { RoundState } from "@meme-rounds/shared-schema/round-state";
import { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { activityOf } from "../../../server/src/analytics/activity-sums.ts";
import { createAnalyticsService } from "../../../server/src/analytics/index.ts";
// Sets the encoder's buffer as the server has it.
import "../../../server/src/infra/colyseus.ts";
import { createRedis } from "../../../server/src/infra/redis.ts";
import { project, projectOpening, projectOutcome } from "../../../server/src/round/projection.ts";
import { TapSerializer } from "../../../server/src/round/serializer.ts";
import { archivedOf, snapshotOf } from "../../../server/src/round/snapshot.ts";
import { startRedis } from "../../../server/test/support/redis.ts";
import { type BigRound, bigRound } from "./big-round.ts";
import { type Figure, medianMs } from "./measure.ts";

const MEMES = 200;
const BOOSTS_PER_PLAYER = 30;
/** Boosts between two patches at 2,000 a second. */
const BETWEEN = 200;
const RUNS = 21;

/** Encodes as the room does, for nobody. */
class Encoder extends TapSerializer<RoundView> {
  constructor() {
    super({}, { tap: { patch: () => undefined, snapshot: () => undefined }, now: () => 0 });
  }

  /** As it is after each patch: what was encoded last counts no more. */
  fullState(): Uint8Array {
    this.needFullEncode = true;
    return this.getFullState();
  }
}

export async function benchRoom(): Promise<Figure[]> {
  return [...(await measure(2_000)), ...(await measure(10_000))];
}

async function measure(players: number): Promise<Figure[]> {
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const big = bigRound({ players, memes: MEMES, boosts: players * BOOSTS_PER_PLAYER });
  globalThis.gc?.();
  const perPlayer = (process.memoryUsage().heapUsed - heap) / players / 1_024;
  const view = new RoundView();
  const encoder = new Encoder();
  encoder.reset(view);
  projectOpening(view, big.state);
  project(view, big.state, 0);
  const who = `${players.toLocaleString("en")} players`;
  const live = await measureLive(big, view, encoder, players);
  const close = await measureClose(big.state, view, encoder);
  return [
    ...live.map((figure) => ({ ...figure, name: `${who}: ${figure.name}` })),
    ...close.map((figure) => ({ ...figure, name: `${who}, close: ${figure.name}` })),
    ...(globalThis.gc
      ? [{ name: `${who}: memory of the state, a player (node --expose-gc)`, value: perPlayer, unit: "KB" }]
      : []),
  ];
}

async function measureLive(
  { state, boost }: BigRound,
  view: RoundView,
  encoder: Encoder,
  players: number,
): Promise<Figure[]> {
  let player = 0;
  let now = 0;
  let folded = 0;
  let shown = 0;
  let encoded = 0;
  for (let run = 0; run < RUNS; run++) {
    const from = performance.now();
    for (let n = 0; n < BETWEEN; n++) boost(player++ % players);
    const changed = performance.now();
    project(view, state, ++now);
    const projected = performance.now();
    encoder.applyPatches([] as never, view);
    encoded += performance.now() - projected;
    shown += projected - changed;
    folded += changed - from;
  }
  const mean = (ms: number): number => ms / RUNS;
  const key = "ab".repeat(32);
  return [
    {
      name: `a tick after ${BETWEEN} boosts, projected and encoded`,
      value: mean(shown + encoded),
      unit: "ms",
      floor: { name: "folding those boosts", value: mean(folded) },
    },
    {
      name: "full state for who joins, once a patch",
      value: await medianMs(RUNS, () => encoder.fullState()),
      unit: "ms",
      floor: { name: "JSON of the same state", value: await medianMs(RUNS, () => JSON.stringify(view)) },
    },
    {
      name: "snapshot, once a second",
      value: await medianMs(RUNS, () => JSON.stringify(snapshotOf(view, state, "room", key))),
      unit: "ms",
    },
  ];
}

/** The longest stretches from the close to the archive; between them others have their turn. */
async function measureClose(state: RoundState, view: RoundView, encoder: Encoder): Promise<Figure[]> {
  const { blindAt, closesAt } = state.open;
  const write = (draft: Parameters<typeof seal>[2], at: number): Entry => {
    const entry = seal(state.head, at, draft);
    apply(state, entry);
    return entry;
  };
  write({ kind: "phase", body: { to: "blind" } }, blindAt);
  write({ kind: "phase", body: { to: "settling" } }, closesAt);
  write({ kind: "freeze", body: { dropped: [], voidMemes: [] } }, closesAt);
  const finish = () => decide(state, { kind: "finish" }, closesAt, () => true);
  const decided = await medianMs(5, finish);
  const decision = finish();
  if (!decision.ok) throw new Error(`the round has no end: ${decision.code}`);
  const sealed = await medianMs(5, () => seal(state.head, closesAt, decision.draft));
  const canonical = await medianMs(5, () => canonicalJson(decision.draft));
  const json = await medianMs(5, () => JSON.stringify(decision.draft));
  write(decision.draft, closesAt);
  const beside = { name: "JSON of the result", value: json };
  const from = performance.now();
  projectOutcome(view, state);
  encoder.applyPatches([] as never, view);
  const shown = performance.now() - from;
  const archived = archivedOf(state);
  return [
    { name: "deciding the result", value: decided, unit: "ms", floor: beside },
    {
      name: "sealing its record",
      value: sealed,
      unit: "ms",
      floor: { name: "canonical JSON", value: canonical },
    },
    {
      name: "the archive's row",
      value: await medianMs(5, () => JSON.stringify(archivedOf(state))),
      unit: "ms",
      floor: beside,
    },
    {
      name: "sums of each player",
      value: await medianMs(5, () => activityOf(state)),
      unit: "ms",
      floor: beside,
    },
    { name: "showing the result", value: shown, unit: "ms", floor: beside },
    await counted(state, archived),
  ];
}

/** Counting into dashboards: how long others wait at most meanwhile. */
async function counted(state: RoundState, archived: ReturnType<typeof archivedOf>): Promise<Figure> {
  const server = await startRedis();
  const redis = createRedis(server.url);
  const analytics = createAnalyticsService({ redis, namesOf: async () => new Map(), now: Date.now });
  let longest = 0;
  let at = performance.now();
  let done = false;
  const watch = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - at);
    at = now;
    if (!done) setImmediate(watch);
  };
  await redis.ping();
  at = performance.now();
  setImmediate(watch);
  const from = performance.now();
  await analytics.roundFinished(archived, state);
  const took = performance.now() - from;
  done = true;
  redis.disconnect();
  await server.close();
  return {
    name: "longest stretch of counting them",
    value: longest,
    unit: "ms",
    floor: { name: "the whole of it", value: took },
  };
}
