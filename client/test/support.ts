/** What the page's tests share. Owns: a clock moved by hand, storage in memory, example answers. Holds no assertion. */
import type { You } from "@meme-rounds/shared-schema/messages";
import type { RoundDetail, Snapshot } from "@meme-rounds/shared-schema/rest";

export interface TestTime {
  now: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** Moves on, running what falls due in order, and lets promises settle in between. */
  pass(ms: number): Promise<void>;
}

export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

export function createTestTime(start = 1_000_000): TestTime {
  let now = start;
  const timers = new Set<{ at: number; work: () => void }>();
  return {
    now: () => now,
    after(ms, work) {
      const timer = { at: now + ms, work };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.work();
        await settle();
      }
      now = end;
    },
  };
}

export function memoryStorage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    clear: () => items.clear(),
    getItem: (key) => items.get(key) ?? null,
    key: (index) => [...items.keys()][index] ?? null,
    removeItem: (key) => void items.delete(key),
    setItem: (key, value) => void items.set(key, value),
  };
}

export const youOf = (playKey: string, change: Partial<You> = {}): You => ({
  playKey,
  identity: `ecdsa-secp256k1:${playKey}`,
  deposits: [],
  spent: 0,
  nextSeq: 1,
  lastVoucherHash: "0".repeat(64),
  chatNext: 1,
  entries: [],
  boosts: {},
  ...change,
});

/** A round of 600 s; the id says when it opens. */
export function snapshotFor(roundId: string, change: Partial<Snapshot> = {}): Snapshot {
  const opensAt = Number(roundId.split("-")[1]) * 1000;
  const key = "02".padEnd(66, "b");
  return {
    roundId,
    roundTag: "ab".repeat(16),
    roomId: `room-${roundId}`,
    arena: "main",
    network: "devchain",
    operatorKey: key,
    auditorKey: key,
    receiptKey: "00".repeat(32),
    auditorHeadKey: "00".repeat(32),
    entryId: "00".repeat(16),
    deadline: opensAt / 1000 + 600 + 86_400,
    seatFee: 30,
    entryPrice: 1_000,
    minDeposit: 1_000,
    maxDeposit: 100_000,
    minBoost: 10,
    opensAt,
    blindAt: opensAt + 570_000,
    closesAt: opensAt + 600_000,
    depositsCloseAt: opensAt + 595_000,
    phase: "open",
    serverTime: opensAt,
    pot: 77,
    carryIn: 0,
    players: 1,
    spectators: 1,
    memes: [
      {
        memeId: "aa".repeat(32),
        title: "a",
        image: "/media/a",
        boostSats: 5,
        backers: 1,
        rank: 1,
        order: 1,
        blurred: false,
      },
    ],
    ...change,
  };
}

export const detailOf = (roundId: string, change: Partial<RoundDetail> = {}): RoundDetail => ({
  roundId,
  arena: "main",
  opensAt: 0,
  closesAt: 600_000,
  outcome: "closed",
  pot: 0,
  players: 1,
  memes: 1,
  settlement: "pending",
  journalHash: "00".repeat(32),
  memesRanked: [],
  payouts: [],
  fee: 0,
  seatFees: 0,
  carryIn: 0,
  carryOut: 0,
  txids: [],
  settled: [],
  ...change,
});
