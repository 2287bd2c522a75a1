/** Terms in the page: nothing is signed that was not shown, and newer terms are said once (I6). */
import assert from "node:assert/strict";
import type { User } from "@meme-rounds/shared-schema/rest";
import { TERMS, termsLine } from "@meme-rounds/shared-schema/terms";
import { createConsent } from "../src/app/consent.ts";
import type { Claimant } from "../src/net/session.ts";
import { Refusal } from "../src/wallet/refusal.ts";

function rig() {
  const kept = new Map<string, string>();
  const notices: string[] = [];
  const signed: string[] = [];
  const consent = createConsent({
    storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
    notice: (_kind, text) => void notices.push(text),
  });
  const claimant: Claimant = {
    wallet: "manual",
    address: "1",
    playKey: "02",
    async prove({ message }) {
      signed.push(message);
      return { signature: "s", playSig: "p" };
    },
  };
  const sign = async (message: string): Promise<string> => {
    try {
      await consent.guard(claimant).prove({ nonce: "n", message, expiresAt: 0 });
      return "signed";
    } catch (error) {
      assert.ok(error instanceof Refusal);
      return error.failure.code;
    }
  };
  return { consent, sign, signed, notices, kept };
}
const textOf = (version: number): string =>
  `play.example asks\n${termsLine({ version, minAge: 18 })}\nNonce: n`;

describe("consent in the page", () => {
  it("I6: before a person has pressed the button no terms are signed, silently or not", async () => {
    const { consent, sign, signed } = rig();
    assert.equal(await sign(textOf(TERMS.version)), "CONSENT_REQUIRED");
    assert.deepEqual(signed, []);
    consent.agreed();
    assert.equal(await sign(textOf(TERMS.version)), "signed");
  });

  it("I6: terms newer than the page's words are not signed, even by a press", async () => {
    const { consent, sign, signed } = rig();
    consent.agreed();
    assert.equal(await sign(textOf(TERMS.version + 1)), "CONSENT_REQUIRED");
    assert.deepEqual(signed, []);
  });

  it("I6: what was accepted for older terms does not accept newer ones", async () => {
    const { sign, kept } = rig();
    kept.set("mr:terms", String(TERMS.version - 1));
    assert.equal(await sign(textOf(TERMS.version)), "CONSENT_REQUIRED");
    kept.set("mr:terms", "nonsense");
    assert.equal(await sign(textOf(TERMS.version)), "CONSENT_REQUIRED");
  });

  it("I6: terms that wait are said once per version", () => {
    const { consent, notices } = rig();
    const user = (version: number, accepted: number) => ({ terms: { version, accepted } }) as User;
    assert.equal(consent.due(undefined), 0);
    assert.equal(consent.due(user(1, 1)), 0);
    assert.equal(consent.due(user(1, 2)), 0);
    assert.equal(notices.length, 0);
    for (let time = 0; time < 3; time++) assert.equal(consent.due(user(2, 1)), 2);
    assert.equal(notices.length, 1);
    consent.due(user(3, 1));
    assert.equal(notices.length, 2);
  });
});
