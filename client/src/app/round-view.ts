/**
 * From what the server says to what the page shows. Owns: RoundVm and MeVm figures from state, snapshot, `you` and chat.
 * Pure. Memes that did not change keep their object, so that their cards need not be drawn again.
 * Does not own: when it is called (game.ts), rules.
 */
import type { ChatMessage, You } from "@meme-rounds/shared-schema/messages";
import type { SignedHead } from "@meme-rounds/shared-schema/receipt";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { ChatVm, MemeVm, ModelVm, PhaseVm, RoundVm } from "./model.ts";

/** A meme of the synchronised state, as far as it is read here. */
export interface MemeState {
  memeId: string;
  title: string;
  image: string;
  boostSats: number;
  score: number;
  backers: number;
  rank: number;
  order: number;
  blurred: boolean;
  takenDown: boolean;
  creator: string;
  model?: { glb: string; poster: string; turntable: string; provider: string } | undefined;
}

/** The synchronised state, as far as it is read here. */
export interface RoundStateLike {
  roundId: string;
  phase: string;
  opensAt: number;
  blindAt: number;
  closesAt: number;
  serverTime: number;
  pot: number;
  carryIn: number;
  entryPrice: number;
  seatFee: number;
  players: number;
  spectators: number;
  /** The auditor's word; its seq is 0 before the first. */
  journalHead?: SignedHead;
  memes: { values(): Iterable<MemeState> };
}

export interface ViewInput {
  snapshot: Snapshot;
  /** Absent while only snapshots arrive, or when it is of another round. */
  state?: RoundStateLike | undefined;
  you?: You | undefined;
  /** Empty for a spectator who has no key. */
  playKey: string;
  chat: readonly ChatMessage[];
  connected: RoundVm["connected"];
  role: RoundVm["role"];
}

const PHASES: ReadonlySet<string> = new Set<PhaseVm>(["open", "blind", "settling", "closed", "voided"]);
const phaseOf = (text: string): PhaseVm => (PHASES.has(text) ? (text as PhaseVm) : "open");

function memeVm(meme: MemeState, you: You | undefined, playKey: string): MemeVm {
  const { memeId, title, image, boostSats, score, backers, rank, order, blurred, takenDown, creator } = meme;
  const model: ModelVm | undefined = meme.model && {
    glb: meme.model.glb,
    poster: meme.model.poster,
    turntable: meme.model.turntable,
    provider: meme.model.provider === "aitubo" ? "aitubo" : "local",
  };
  return {
    memeId,
    title,
    image,
    boostSats,
    score,
    backers,
    rank,
    order,
    blurred,
    takenDown,
    mine: (you?.entries.includes(memeId) ?? false) || (creator !== "" && creator === playKey),
    myBoostSats: you?.boosts[memeId] ?? 0,
    creator,
    ...(model === undefined ? {} : { model }),
  };
}

const same = (a: MemeVm, b: MemeVm): boolean => {
  const { model: modelA, ...restA } = a;
  const { model: modelB, ...restB } = b;
  if ((modelA === undefined) !== (modelB === undefined) || modelA?.glb !== modelB?.glb) return false;
  return (Object.keys(restA) as (keyof typeof restA)[]).every((key) => restA[key] === restB[key]);
};

/** By rank, those without one last, then in order of entry. */
const compare = (a: MemeVm, b: MemeVm): number => {
  if (a.rank === b.rank) return a.order - b.order;
  if (a.rank === 0 || b.rank === 0) return a.rank === 0 ? 1 : -1;
  return a.rank - b.rank;
};

function memesOf(input: ViewInput, before: readonly MemeVm[]): MemeVm[] {
  const { snapshot, state, you, playKey } = input;
  const known = new Map(before.map((meme) => [meme.memeId, meme]));
  const source: MemeState[] = state
    ? [...state.memes.values()]
    : snapshot.memes.map((meme) => ({ ...meme, score: 0, takenDown: meme.takenDown ?? false, creator: "" }));
  return source
    .map((meme) => {
      const next = memeVm(meme, you, playKey);
      const had = known.get(meme.memeId);
      return had !== undefined && same(had, next) ? had : next;
    })
    .sort(compare);
}

function chatOf(lines: readonly ChatMessage[], playKey: string, before: readonly ChatVm[]): ChatVm[] {
  const known = new Map(before.map((line) => [line.seq, line]));
  return lines.map((line) => {
    const mine = line.playKey === playKey;
    const had = known.get(line.seq);
    return had?.text === line.text && had.mine === mine ? had : { ...line, mine };
  });
}

/** The round to show; `before` is what was shown last, of any round. */
export function roundVm(input: ViewInput, before: RoundVm | undefined): RoundVm {
  const { snapshot, connected, role } = input;
  const live = input.state ?? snapshot;
  const { minDeposit, maxDeposit, minBoost, depositsCloseAt, network } = snapshot;
  const mine = before?.roundId === snapshot.roundId ? before : undefined;
  return {
    roundId: snapshot.roundId,
    phase: phaseOf(live.phase),
    opensAt: live.opensAt,
    blindAt: live.blindAt,
    closesAt: live.closesAt,
    depositsCloseAt,
    pot: live.pot,
    carryIn: live.carryIn,
    entryPrice: live.entryPrice,
    seatFee: live.seatFee,
    minDeposit,
    maxDeposit,
    minBoost,
    players: live.players,
    spectators: live.spectators,
    network,
    memes: memesOf(input, mine?.memes ?? []),
    chat: chatOf(input.chat, input.playKey, mine?.chat ?? []),
    connected,
    role,
  };
}

const NO_FIGURES = { inRoundSats: 0, depositedSats: 0, spentSats: 0, entries: [] };

/** Money figures of the player in this round, sat. E12: the seat fee is kept from each deposit. */
export function figuresOf(
  you: You | undefined,
  seatFee: number,
): { inRoundSats: number; depositedSats: number; spentSats: number; entries: string[] } {
  if (you === undefined) return NO_FIGURES;
  const depositedSats = you.deposits.reduce((sum, { sats }) => sum + sats, 0);
  return {
    depositedSats,
    spentSats: you.spent,
    inRoundSats: Math.max(0, depositedSats - you.spent - seatFee * you.deposits.length),
    entries: you.entries,
  };
}
