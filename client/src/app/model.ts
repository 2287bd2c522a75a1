/**
 * What the page shows and what a person can do: the seam between logic and screens.
 * Owns: view models (plain JSON, amounts in sat, times in ms) and the actions. Does not own: how either is made.
 */
import type { ErrorCode } from "@meme-rounds/shared-schema/errors";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import type { contentAnswer, Model, ModelWish, previewAnswer } from "@meme-rounds/shared-schema/rest-content";
import type { PlayLimits, PlayLimitsWish } from "@meme-rounds/shared-schema/rest-me";
import type { z } from "zod";

/** The answer to anything a person did. `OFFLINE`: it is not known whether it arrived, or it cannot be sent. */
export type Outcome =
  | { ok: true }
  | {
      ok: false;
      code: ErrorCode | "OFFLINE";
      message: string;
      /** The server wishes not to be asked again before so many ms. */
      retryAfterMs?: number;
    };
export type Failure = Extract<Outcome, { ok: false }>;

export interface ModelVm {
  glb: string;
  poster: string;
  turntable: string;
  provider: Model["provider"];
}

export interface MemeVm {
  memeId: string;
  title: string;
  /** Path of the picture. */
  image: string;
  boostSats: number;
  score: number;
  backers: number;
  /** 1 leads; 0 is not ranked. */
  rank: number;
  /** Order of entry, from 1. */
  order: number;
  blurred: boolean;
  takenDown: boolean;
  mine: boolean;
  myBoostSats: number;
  /** Play key; empty while creators are anonymous (R6). */
  creator: string;
  model?: ModelVm;
}

export type PhaseVm = "open" | "blind" | "settling" | "closed" | "voided";

export interface ChatVm {
  seq: number;
  playKey: string;
  at: number;
  text: string;
  mine: boolean;
}

export interface RoundVm {
  roundId: string;
  phase: PhaseVm;
  opensAt: number;
  blindAt: number;
  closesAt: number;
  depositsCloseAt: number;
  pot: number;
  carryIn: number;
  entryPrice: number;
  seatFee: number;
  minDeposit: number;
  maxDeposit: number;
  minBoost: number;
  players: number;
  spectators: number;
  network: Network;
  /** By rank, then by order; unranked ones last. */
  memes: MemeVm[];
  chat: ChatVm[];
  connected: "live" | "polling" | "offline";
  role: "spectator" | "player";
}

export interface MeVm {
  signedIn: boolean;
  playKey: string;
  address: string;
  name: string;
  /** What is left to spend in this round: deposits less spent less seat fee, never negative. */
  inRoundSats: number;
  depositedSats: number;
  spentSats: number;
  /** memeIds entered in this round. */
  entries: string[];
  /** Version of the terms that waits to be accepted (I6); 0 is none. */
  termsDue: number;
}

export interface WalletEventVm {
  kind: "deposit" | "payout" | "faucet" | "refund" | "topup" | "withdrawal";
  sats: number;
  at: number;
  roundId?: string;
  txid: string;
}

export interface WalletVm {
  exists: boolean;
  address: string;
  balanceSats: number;
  busy: boolean;
  history: WalletEventVm[];
  autoJoin: AutoJoinVm;
}

/** Coins that shall leave the wallet. */
export interface WithdrawalVm {
  address: string;
  /** sat that arrive there, or all there is. */
  sats: number | "max";
}

export interface WithdrawQuote {
  /** sat that arrive. */
  sats: number;
  /** sat for the miners, on top. */
  fee: number;
}

/** Playing every round without a press (I3). Amounts in sat. */
export interface AutoJoinVm {
  on: boolean;
  /** Put into each round. */
  depositSats: number;
  /** Most that goes into one round, however it got there. */
  perRoundSats: number;
  /** Most that 24 h may cost: what went in, less what came back. */
  perDaySats: number;
}

/** A deposit past its deadline that no round has settled (M9). */
export interface ReclaimableVm {
  txid: string;
  roundId: string;
  sats: number;
  /** The deadline. */
  opensAt: number;
  /** The chain's clock has passed it too. */
  open: boolean;
}

export interface FinishedVm {
  detail: RoundDetail;
  /** Everything this round pays the player: winnings and what comes back. */
  myPayoutSats: number;
  myWonSats: number;
}

/** C2: an upload with its verdict. */
export type CheckedVm = z.infer<typeof contentAnswer>;
export type UploadOutcome = Outcome & { checked?: CheckedVm };
/** C3: what a picture would become. */
export type PreviewVm = z.infer<typeof previewAnswer>;
export type PreviewOutcome = Outcome & { preview?: PreviewVm };

export interface NoticeVm {
  id: string;
  text: string;
  kind: "info" | "success" | "warning" | "error";
}

export interface PrivacyActions {
  /** Accepts the terms that this page shows; fails when the server has newer ones. */
  acceptTerms(): Promise<Outcome>;
  playLimits(): Promise<{ ok: true; limits: PlayLimits } | Failure>;
  setPlayLimits(wish: PlayLimitsWish): Promise<{ ok: true; limits: PlayLimits } | Failure>;
  /** Everything kept off-chain about this person, as a file. */
  exportData(): Promise<{ ok: true; fileName: string; json: string } | Failure>;
  /** Deletes it, signs out and says what stays; the key and its coins stay in this browser. */
  deleteData(): Promise<Outcome>;
}

export interface GameActions extends PrivacyActions {
  createWallet(): Promise<Outcome>;
  signIn(): Promise<Outcome>;
  signOut(): Promise<Outcome>;
  faucet(): Promise<Outcome>;
  deposit(sats: number): Promise<Outcome>;
  upload(file: File, title: string): Promise<UploadOutcome>;
  /** The verdict as it is now: a moderator may have looked. */
  recheck(contentId: string): Promise<UploadOutcome>;
  appeal(contentId: string, text: string): Promise<UploadOutcome>;
  preview(contentId: string, mode: ModelWish): Promise<PreviewOutcome>;
  setMode(contentId: string, mode: ModelWish): Promise<Outcome>;
  enter(contentId: string, memeId: string): Promise<Outcome>;
  boost(memeId: string, sats: number): Promise<Outcome>;
  chat(text: string): Promise<Outcome>;
  report(memeId: string, reason: string): Promise<Outcome>;
  setName(name: string): Promise<Outcome>;
  reclaimable(): Promise<{ ok: true; deposits: ReclaimableVm[] } | Failure>;
  reclaim(txid: string): Promise<Outcome>;
  withdrawQuote(wish: WithdrawalVm): Promise<(Outcome & { quote?: WithdrawQuote }) | Failure>;
  withdraw(wish: WithdrawalVm, shown: WithdrawQuote): Promise<Outcome>;
  /** Another wallet in this browser that can fill this one; undefined where there is none. */
  payerName(): Promise<string | undefined>;
  /** Asks that wallet for sat. */
  topUp(sats: number): Promise<Outcome>;
  setAutoJoin(next: AutoJoinVm): Promise<Outcome>;
}

export const failure = (code: Failure["code"], message: string): Failure => ({ ok: false, code, message });
