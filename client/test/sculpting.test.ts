/** What a result says about its winners' models (C3). */
import assert from "node:assert/strict";
import type { Model } from "@meme-rounds/shared-schema/rest-content";
import { sculptingOf } from "../src/features/result/sculpting.ts";

const model: Model = { memeId: "", glb: "", poster: "", turntable: "", provider: "local" };

describe("sculpting in words", () => {
  it("C3: counts what is still to come", () => {
    const winners = [{ model, sculpture: "done" as const }, { sculpture: "painting" as const }, {}];
    assert.deepEqual(sculptingOf(winners), { text: "2 of 3 being sculpted", busy: true });
  });
  it("C3: says when all are there", () => {
    assert.deepEqual(sculptingOf([{ model }, { model }]), { text: "2 winners sculpted in 3D", busy: false });
  });
  it("C5: says what a person has to look at", () => {
    const winners = [{ model }, { sculpture: "review" as const }];
    const text = "1 winner sculpted in 3D, 1 being looked at by a moderator";
    assert.deepEqual(sculptingOf(winners), { text, busy: false });
    assert.deepEqual(sculptingOf([{ sculpture: "review" }]), {
      text: "1 being looked at by a moderator",
      busy: false,
    });
  });
  it("C6: does not speak of what was taken down", () => {
    assert.deepEqual(sculptingOf([{ model }, { takenDown: true }]), {
      text: "1 winner sculpted in 3D",
      busy: false,
    });
  });
});
