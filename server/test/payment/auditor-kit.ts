/** What the auditor's tests share: an honest plan, asking for signatures, expecting a refusal. */
import { strict as assert } from "node:assert";
import { computeOutcome } from "@meme-rounds/shared-schema/payout";
import type { CarryCoin, SettlementPlan } from "@meme-rounds/shared-schema/settlement";
import { planSettlement } from "@meme-rounds/shared-schema/settlement-plan";
import { createDigestSigner } from "../../src/infra/ecdsa.ts";
import { createAuditorClient } from "../../src/payment/auditor-client.ts";
import { depositCoinsOf } from "../../src/payment/settlement/basis.ts";
import { collectSignatures } from "../../src/payment/settlement/sign.ts";
import { AuditorRefusal, type RefusalCode, type Signatures } from "../../src/payment/wire.ts";
import type { MoneyRound, World } from "./world.ts";

/** The plan an honest operator makes; with other carry coins than those claimed, a lie of one kind. */
export async function planFor(
  world: World,
  round: MoneyRound,
  carryCoins?: readonly CarryCoin[],
): Promise<SettlementPlan> {
  const planned = planSettlement({
    open: round.open,
    deposits: depositCoinsOf(round.state),
    outcome: computeOutcome(round.state),
    carryCoins: carryCoins ?? (await world.carry.claimedBy(round.open.roundId)),
    operatorCoins: await world.wallet().free(),
    feeSatPerKb: 100,
    mined: new Set(),
  });
  assert.ok(planned.ok, JSON.stringify(planned));
  return planned.plan;
}

/** Asks for the auditor's signatures as the operator does. */
export const cosign = (world: World, plan: SettlementPlan, lostTxs: string[] = []): Promise<Signatures> => {
  const round = { secret: world.operatorSecret, sign: createDigestSigner() };
  return createAuditorClient({ url: world.auditor.url, timeoutMs: 20_000 }).cosign({
    plan,
    collectSignatures: collectSignatures(plan, round),
    lostTxs,
    twins: [],
  });
};

export async function refused(
  world: World,
  plan: SettlementPlan,
  code: RefusalCode,
  reason: RegExp,
): Promise<void> {
  await assert.rejects(cosign(world, plan), (error: unknown) => {
    assert.ok(error instanceof AuditorRefusal);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, reason);
    return true;
  });
}
