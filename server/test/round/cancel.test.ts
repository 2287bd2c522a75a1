/** E10, I4: cancelling a round is written down first, and only for the round that is live. */
import assert from "node:assert/strict";
import type { AuditedAction } from "../../src/infra/audit.ts";
import { cancelLive } from "../../src/round/cancel.ts";

const order = { arena: "main", roundId: "main-7", by: "ecdsa-secp256k1:02ab", reason: "stolen pictures" };

describe("cancelling a round", () => {
  let happened: (string | AuditedAction)[];
  beforeEach(() => {
    happened = [];
  });
  const deps = (roundId: string, failure?: Error) => ({
    directory: { live: async () => ({ roundId, roomId: "room7", token: 1 }) },
    audit: {
      async note(action: AuditedAction) {
        if (failure) throw failure;
        happened.push(action);
      },
    },
    async tell(...words: string[]) {
      happened.push(words.join(" "));
    },
  });

  it("E10 I4: the audit log has it before the room is told", async () => {
    await cancelLive(order, deps("main-7"));
    assert.deepEqual(happened, [
      { by: order.by, action: "round.cancel", target: "main-7", reason: order.reason },
      `room7 ${order.by} ${order.reason}`,
    ]);
  });

  it("E10: another round than the live one is refused, and not written down", async () => {
    await assert.rejects(cancelLive(order, deps("main-8")), { code: "ROUND_UNKNOWN" });
    assert.deepEqual(happened, []);
  });

  it("I4: what could not be written down is not done", async () => {
    await assert.rejects(cancelLive(order, deps("main-7", new Error("Redis is away"))), /away/);
    assert.deepEqual(happened, []);
  });
});
