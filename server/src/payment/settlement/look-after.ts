/**
 * A settlement between being sent and being final (M3, M5). Owns: sending again what the network has lost, parents
 * first; telling mined from final; finding deposits that a mined rival has killed. Does not own: planning again
 * (settle.ts), the schedule (worker.ts).
 */
import type { SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import type { ChainPort, TxStatus } from "../../chain/index.ts";
import type { Logger } from "../../infra/logger.ts";
import type { HotWallet } from "../hot-wallet.ts";
import { mapLimited } from "../parallel.ts";
import { readTransaction } from "../transaction.ts";
import { AuditorRefusal, type RefusalCode } from "../wire.ts";
import { isDead } from "./dead.ts";
import type { Settler } from "./settle.ts";
import type { SignedTx } from "./sign.ts";
import type { SettlementStore } from "./store.ts";

export interface LookAfterDeps {
  chain: ChainPort;
  store: SettlementStore;
  wallet: HotWallet;
  settler: Settler;
  /** Raw transaction of a deposit, or of an unmined ancestor of one, hex. */
  depositTx(txid: string): Promise<string | undefined>;
  logger: Logger;
}

/** M5. */
const FINAL_BLOCKS = 6;
const PARALLEL = 8;

const COIN_CODES: ReadonlySet<RefusalCode> = new Set(["DEPOSIT_NOT_ON_CHAIN", "DEPOSIT_SPENT"]);

const isOut = ({ state }: TxStatus): boolean => state === "seen" || state === "mined";

export class SettlementKeeper {
  private readonly deps: LookAfterDeps;

  constructor(deps: LookAfterDeps) {
    this.deps = deps;
  }

  /** Does for a round what is due. A round that was not sent yet is settled. Throws what Settler.settle throws. */
  async lookAfter(roundId: string): Promise<void> {
    const { store, chain, settler } = this.deps;
    const stored = await store.read(roundId);
    const { plan, signed } = stored ?? {};
    if (signed === undefined || plan === undefined) return await this.settleFirst(roundId);
    const standing = await this.standing(signed);
    const all = signed.map(({ txid }) => standing.get(txid) ?? { state: "unknown" as const });
    const heights = all.flatMap((one) => (one.state === "mined" ? [one.height] : []));
    if (heights.length < signed.length) {
      const lost = await this.findLost(plan, all);
      if (lost.length > 0) {
        this.deps.logger.error(
          { roundId, lost },
          "mined rivals have killed deposits: the round is planned again",
        );
        return await settler.settleWithout(roundId, lost);
      }
      if (stored?.state === "mined") await store.sent(roundId);
      await this.sendAgain(plan, signed, all);
      return await settler.settle(roundId);
    }
    if (stored !== undefined && stored.state !== "mined") {
      await settler.settle(roundId); // whoever sent it may have died before telling
      await settler.handOnMined(roundId, stored);
      await store.mined(roundId);
    }
    const { height } = await chain.tip();
    if (height - Math.max(...heights) + 1 >= FINAL_BLOCKS) await this.end(plan);
  }

  /** Not signed yet. The auditor refuses a deposit that died since the freeze: then it is planned without it. */
  private async settleFirst(roundId: string): Promise<void> {
    const { store, settler } = this.deps;
    try {
      await settler.settle(roundId);
    } catch (error) {
      const isAboutCoins = error instanceof AuditorRefusal && COIN_CODES.has(error.code);
      const plan = isAboutCoins ? (await store.read(roundId))?.plan : undefined;
      const lost = plan === undefined ? [] : await this.findLost(plan);
      if (lost.length === 0) throw error;
      this.deps.logger.error(
        { roundId, lost },
        "deposits died before the settlement: it is planned without them",
      );
      await settler.settleWithout(roundId, lost);
    }
  }

  private async end(plan: SettlementPlan): Promise<void> {
    for (let version = 1; version <= plan.version; version++)
      await this.deps.wallet.spent(`settle:${plan.roundId}:${version}`);
    await this.deps.store.final(plan.roundId);
  }

  private async standing(signed: readonly SignedTx[]): Promise<Map<string, TxStatus>> {
    return await this.deps.chain.statuses(signed.map(({ txid }) => txid));
  }

  /** The same bytes again, in order, with the deposits they hang on before them. */
  private async sendAgain(
    plan: SettlementPlan,
    signed: readonly SignedTx[],
    all: readonly TxStatus[],
  ): Promise<void> {
    const { chain, logger } = this.deps;
    for (const [at, tx] of signed.entries()) {
      const status = all[at];
      if (status !== undefined && isOut(status)) continue;
      const first = await chain.broadcast(tx, { witnesses: 2 });
      if (first.outcome === "seen") continue;
      await this.sendDeposits(plan, at);
      const result = await chain.broadcast(tx, { witnesses: 2 });
      if (result.outcome !== "seen")
        logger.warn({ txid: tx.txid, result }, "a settlement is not seen again yet");
    }
  }

  private async sendDeposits(plan: SettlementPlan, at: number): Promise<void> {
    for (const input of plan.txs[at]?.inputs ?? []) {
      if (input.kind !== "deposit") continue;
      await this.sendWithAncestors(input.txid, new Set());
    }
  }

  /** Ancestors first, as far as they were kept; what is mined or known needs nothing. */
  private async sendWithAncestors(txid: string, asked: Set<string>): Promise<void> {
    const { chain, depositTx } = this.deps;
    if (asked.has(txid)) return;
    asked.add(txid);
    const raw = await depositTx(txid);
    if (raw === undefined || isOut(await chain.status(txid))) return;
    for (const parent of readTransaction(raw)?.inputs ?? []) await this.sendWithAncestors(parent.txid, asked);
    await chain.broadcast({ rawHex: raw });
  }

  /** Deposits of transactions that are not out, of which one input is spent by another transaction in a block. */
  private async findLost(plan: SettlementPlan, standing: readonly TxStatus[] = []): Promise<string[]> {
    const suspects = plan.txs.flatMap(({ inputs }, at) => {
      const status = standing[at];
      if (status !== undefined && isOut(status)) return [];
      return inputs.flatMap((input) => (input.kind === "deposit" ? [input] : []));
    });
    const { chain, depositTx } = this.deps;
    const lost = await mapLimited(suspects, PARALLEL, async ({ txid, vout }) =>
      (await isDead(txid, chain, depositTx)) ? [`${txid}:${vout}`] : [],
    );
    return lost.flat();
  }
}
