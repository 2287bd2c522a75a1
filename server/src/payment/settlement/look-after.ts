/**
 * A settlement between being sent and being final (M3, M5). Owns: sending again what the network has lost, parents
 * first; telling mined from final; finding deposits that a mined rival has killed. Does not own: planning again
 * (settle.ts), the schedule (worker.ts).
 */
import type { PlannedTx, SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import type { ChainPort, TxStatus } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { HotWallet } from "../hot-wallet.ts";
import { mapLimited } from "../parallel.ts";
import { readTransaction } from "../transaction.ts";
import { AuditorRefusal, outpointText, type RefusalCode } from "../wire.ts";
import { diedAt } from "./dead.ts";
import { ownerOf, SettleLater, type Settler } from "./settle.ts";
import type { SignedTx } from "./sign.ts";
import type { SettlementStore, StoredSettlement } from "./store.ts";
import { findTwins } from "./twins.ts";

export interface LookAfterDeps {
  chain: ChainPort;
  store: SettlementStore;
  wallet: HotWallet;
  settler: Settler;
  /** Raw transaction of a deposit, or of an unmined ancestor of one, hex. */
  depositTx(txid: string): Promise<string | undefined>;
  logger: Logger;
  /** ms. */
  now(): number;
  /** Called after every wait, so that tests can crash at each. */
  step?(name: string): void;
}

/** M5. */
const FINAL_BLOCKS = 6;
const PARALLEL = 8;
const REMIND_MS = 60_000;

const COIN_CODES: ReadonlySet<RefusalCode> = new Set(["DEPOSIT_NOT_ON_CHAIN", "DEPOSIT_SPENT"]);

const isOut = ({ state }: TxStatus): boolean => state === "seen" || state === "mined";
const isOutAt = (all: readonly TxStatus[], at: number): boolean => isOut(all[at] ?? { state: "unknown" });

/** A deposit and the height of the block that killed it. */
interface Lost {
  txid: string;
  vout: number;
  height: number;
}

const depositsOf = (txs: readonly PlannedTx[]) =>
  txs.flatMap(({ inputs }) => inputs.filter((input) => input.kind === "deposit"));

export class SettlementKeeper {
  private readonly deps: LookAfterDeps;
  /** When unmined transactions of a round were last sent without need, ms. */
  private readonly reminded = new Map<string, number>();

  constructor(deps: LookAfterDeps) {
    this.deps = deps;
  }

  /** Does for a round what is due. A round that was not sent yet is settled. Throws what Settler.settle throws. */
  async lookAfter(roundId: string): Promise<void> {
    const { store, settler, chain } = this.deps;
    const stored = await this.step("look", () => store.read(roundId));
    const { plan, signed } = stored ?? {};
    if (stored === undefined || plan === undefined || signed === undefined)
      return await this.settleFirst(roundId);
    const standing = await this.step("standing", () => chain.statuses(signed.map(({ txid }) => txid)));
    const all = signed.map(({ txid }) => standing.get(txid) ?? { state: "unknown" as const });
    const heights = all.flatMap((one) => (one.state === "mined" ? [one.height] : []));
    if (heights.length < signed.length) return await this.unmined(stored, plan, signed, all);
    if (stored.state !== "mined" || !stored.told) {
      const out = new Set(signed.map(({ txid }) => txid));
      await settler.settle(roundId, out); // whoever sent it may have died before telling
      await settler.handOnMined(roundId, stored);
      await this.step("mined", () => store.mined(roundId));
    }
    const { height } = await this.step("tip", () => chain.tip());
    if (height - Math.max(...heights) + 1 >= FINAL_BLOCKS) await this.end(plan);
  }

  /** Does `work`; then is a place to crash. Nothing that could be lost happens between one step and the next. */
  private async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const done = await work();
    this.deps.step?.(name);
    return done;
  }

  /** Not all of it is in blocks: what is on no node is sent again, or planned again when it is dead. */
  private async unmined(
    stored: StoredSettlement,
    plan: SettlementPlan,
    signed: readonly SignedTx[],
    all: readonly TxStatus[],
  ): Promise<void> {
    const { store, settler } = this.deps;
    const { roundId } = plan;
    const missing = plan.txs.filter((_, at) => !isOutAt(all, at));
    const lost = await this.findLost(depositsOf(missing));
    if (lost.length > 0) return await this.without(plan, lost);
    const twins = await this.step("twins", () => this.twinsOf(plan, signed, all));
    if (twins.size > 0) return await settler.adopt(roundId, stored, twins);
    if (missing.length > 0) await this.sendDeposits(missing);
    else await this.remind(plan, signed, all);
    if (missing.length > 0 || stored.state === "mined")
      await this.step("unsent", () => store.unsent(roundId));
    await settler.settle(
      roundId,
      new Set(signed.flatMap(({ txid }, at) => (isOutAt(all, at) ? [txid] : []))),
    );
  }

  /** Now and then what is seen but in no block is sent all the same: a provider may call seen what no node has. */
  private async remind(
    plan: SettlementPlan,
    signed: readonly SignedTx[],
    all: readonly TxStatus[],
  ): Promise<void> {
    const { chain, now } = this.deps;
    const last = this.reminded.get(plan.roundId) ?? 0;
    this.reminded.set(plan.roundId, last === 0 ? now() : last);
    if (last === 0 || now() - last < REMIND_MS) return;
    this.reminded.set(plan.roundId, now());
    const unmined = signed.flatMap((tx, at) => (all[at]?.state === "mined" ? [] : [{ tx, at }]));
    await this.sendDeposits(plan.txs.filter((_, at) => all[at]?.state !== "mined"));
    for (const { tx, at } of unmined)
      await this.step(`remind ${at}`, () => chain.broadcast(tx, { witnesses: 2 }));
  }

  private async twinsOf(
    plan: SettlementPlan,
    signed: readonly SignedTx[],
    all: readonly TxStatus[],
  ): Promise<Map<number, SignedTx>> {
    const missing = plan.txs.flatMap((_, at) => (isOutAt(all, at) ? [] : [at]));
    const twins = await findTwins(plan, signed, missing, this.deps.chain);
    if (twins.size > 0)
      this.deps.logger.warn({ roundId: plan.roundId, twins: [...twins.keys()] }, "mined in another form");
    return twins;
  }

  /** Not signed yet. The auditor refuses a deposit that died since the freeze: then it is planned without it. */
  private async settleFirst(roundId: string): Promise<void> {
    const { store, settler } = this.deps;
    try {
      await settler.settle(roundId);
    } catch (error) {
      if (!(error instanceof AuditorRefusal)) throw error;
      const plan = (await this.step("refused plan", () => store.read(roundId)))?.plan;
      if (plan === undefined) throw error;
      if (error.code === "DEPOSIT_NOT_LOST") await this.takeBack(plan);
      if (!COIN_CODES.has(error.code)) throw error;
      const lost = await this.findLost(depositsOf(plan.txs));
      if (lost.length > 0) return await this.without(plan, lost);
      await this.sendDeposits(plan.txs); // merely absent: the auditor will see them again
      throw error;
    }
  }

  /** A reorganisation has brought back what a version was planned without, before it was signed: it is forgotten. */
  private async takeBack(plan: SettlementPlan): Promise<void> {
    const { store, wallet, logger } = this.deps;
    const { roundId, version } = plan;
    const dead = await this.findLost(
      plan.lost.map((one) => ({ txid: one.slice(0, 64), vout: Number(one.slice(65)) })),
    );
    if (dead.length === plan.lost.length) return; // the auditor has not seen it yet
    if (!(await this.step("take back", () => store.unplan(plan)))) return;
    await this.step("release", () => wallet.release(ownerOf(roundId, version)));
    logger.warn({ roundId, version }, "a deposit came back to life: a version is taken back");
  }

  /** When nothing is left, that must be for good: what was reserved for it is given to others. */
  private async without(plan: SettlementPlan, lost: readonly Lost[]): Promise<void> {
    const { settler, chain, logger } = this.deps;
    const { roundId } = plan;
    const outpoints = lost.map(outpointText);
    const left = depositsOf(plan.txs).filter((one) => !outpoints.includes(outpointText(one)));
    if (left.length === 0) {
      const { height } = await this.step("tip", () => chain.tip());
      const blocks = height - Math.max(...lost.map((one) => one.height)) + 1;
      if (blocks < FINAL_BLOCKS)
        throw new SettleLater(`every deposit of ${roundId} died ${blocks} blocks ago`);
    }
    logger.error({ roundId, lost: outpoints }, "mined rivals killed deposits: the round is planned again");
    await settler.settleWithout(roundId, outpoints);
  }

  private async end(plan: SettlementPlan): Promise<void> {
    const { wallet, store } = this.deps;
    for (let version = 1; version <= plan.version; version++)
      await this.step("spent", () => wallet.spent(ownerOf(plan.roundId, version)));
    await this.step("final", () => store.final(plan.roundId));
    this.reminded.delete(plan.roundId);
  }

  /** The deposits that no node has, before what spends them. */
  private async sendDeposits(txs: readonly PlannedTx[]): Promise<void> {
    const txids = [...new Set(depositsOf(txs).map(({ txid }) => txid))];
    const standing = await this.step("deposits", () => this.deps.chain.statuses(txids));
    const asked = new Set<string>();
    for (const txid of txids)
      if (standing.get(txid)?.state !== "mined") await this.sendWithAncestors(txid, asked);
  }

  /**
   * Ancestors first, as far as they were kept. Only a block makes it needless: a provider goes on calling a transaction
   * seen that every node has thrown out.
   */
  private async sendWithAncestors(txid: string, asked: Set<string>): Promise<void> {
    const { chain, depositTx } = this.deps;
    if (asked.has(txid)) return;
    asked.add(txid);
    const raw = await this.step("kept", () => depositTx(txid));
    if (raw === undefined) return;
    if ((await this.step("status", () => chain.status(txid))).state === "mined") return;
    for (const parent of readTransaction(raw)?.inputs ?? []) await this.sendWithAncestors(parent.txid, asked);
    await this.step("resend", () => chain.broadcast({ rawHex: raw }));
  }

  /** Those of these deposits that a block has killed. */
  private async findLost(deposits: readonly { txid: string; vout: number }[]): Promise<Lost[]> {
    const { chain, depositTx } = this.deps;
    const lost = await this.step("find lost", () =>
      mapLimited([...deposits], PARALLEL, async ({ txid, vout }) => {
        const height = await diedAt(txid, chain, depositTx);
        return height === undefined ? [] : [{ txid, vout, height }];
      }),
    );
    return lost.flat();
  }
}
