/** Every refusal of a deposit, an entry and a boost (E1, E2, E12, R2, R7, R8, R12, M1, protocol 3). */
import {
  ann,
  annTwo,
  bob,
  type Case,
  cat,
  flipped,
  itRefuses,
  refusal,
  spoiled,
  T,
  takedown,
} from "./support/refusals.ts";
import { actor, memeIdOf, phashOf, REAL } from "./support/round.ts";

const CASES: Case[] = [
  refusal(
    "R7 a deposit 5 s before the close",
    "DEPOSITS_CLOSED",
    (r) => r.deposit(bob, 5_000),
    (r) => r.at(T - 5_000),
  ),
  refusal(
    "R7 a deposit after the close",
    "DEPOSITS_CLOSED",
    (r) => r.deposit(bob, 5_000),
    (r) => r.at(T),
  ),
  refusal("I2 a play key of another identity", "PLAY_KEY_TAKEN", (r) =>
    r.deposit({ ...bob, identity: cat.identity }, 5_000),
  ),
  refusal("M1 a deposit under the minimum", "DEPOSIT_AMOUNT_LOW", (r) => r.deposit(bob, 999)),
  refusal(
    "E12 a deposit under the seat fee",
    "DEPOSIT_AMOUNT_LOW",
    (r) => r.deposit(bob, 29),
    () => {},
    { rules: { minDepositSats: 0 } },
  ),
  refusal("M1 a deposit over the maximum", "DEPOSIT_AMOUNT_HIGH", (r) => r.deposit(bob, 100_001)),
  refusal(
    "M1 an outpoint a second time",
    "DEPOSIT_CLAIMED",
    (r) => r.deposit(cat, 2_000, "one"),
    (r) => r.must(r.deposit(bob, 2_000, "one")),
  ),

  refusal(
    "R7 an entry when blind begins",
    "ENTRIES_CLOSED",
    (r) => r.enter(bob, "b"),
    (r) => r.at(T * 0.95),
  ),
  refusal(
    "R7 an entry when only the clock says blind",
    "ENTRIES_CLOSED",
    (r) => r.enter(bob, "b"),
    (r) => {
      r.now += T * 0.95;
    },
  ),
  refusal("C2 somebody else's picture", "CONTENT_NOT_YOURS", (r) => {
    const c = r.enter(bob, "b");
    return { ...c, content: { ...c.content, identity: cat.identity } };
  }),
  refusal("R7 the same picture", "MEME_DUPLICATE", (r) => r.enter(bob, "a")),
  refusal("R7 a picture at distance 6", "MEME_DUPLICATE", (r) => {
    const c = r.enter(bob, "b");
    return { ...c, content: { ...c.content, phash: flipped(phashOf("a"), 6) } };
  }),
  refusal(
    "R7 one more meme than the round takes",
    "ROUND_FULL",
    (r) => r.enter(bob, "b"),
    () => {},
    { rules: { maxMemes: 1 } },
  ),
  refusal("R7 a second meme of the play key", "ENTRY_LIMIT", (r) => r.enter(ann, "b")),
  refusal("R7 a second meme of the identity", "ENTRY_LIMIT", (r) => r.enter(annTwo, "b")),
  refusal(
    "E1 an entry at yesterday's price",
    "ENTRY_PRICE_CHANGED",
    (r) => r.enter(bob, "b", 1_000),
    () => {},
    { rules: { entryDoublesAfter: 1 } },
  ),
  refusal("E1 an entry above the price", "ENTRY_PRICE_CHANGED", (r) => r.enter(bob, "b", 1_001)),
  refusal("E2 an entry without a deposit", "DEPOSIT_OVERSPENT", (r) => r.enter(actor("poor"), "b")),
  refusal(
    "E2 an entry that touches the seat fee",
    "DEPOSIT_OVERSPENT",
    (r) => r.enter(bob, "b"),
    (r) => r.must(r.boost(bob, "a", 3_971)),
  ),
  refusal("protocol 3 an entry with a spoiled signature", "VOUCHER_SIGNATURE_INVALID", (r) =>
    spoiled(r.enter(bob, "b")),
  ),

  refusal(
    "R2 a boost at the close",
    "PHASE_WRONG",
    (r) => r.boost(bob, "a", 10),
    (r) => {
      r.now += T;
    },
  ),
  refusal(
    "R2 a boost while settling",
    "PHASE_WRONG",
    (r) => r.boost(bob, "a", 10),
    (r) => r.at(T),
  ),
  refusal("protocol 3 a voucher cut short", "VOUCHER_MALFORMED", (r) => {
    const c = r.boost(bob, "a", 10);
    return { ...c, voucher: { ...c.voucher, bytes: c.voucher.bytes.slice(2) } };
  }),
  refusal("protocol 3 an entry voucher as a boost", "VOUCHER_MALFORMED", (r) =>
    r.boost(bob, "a", 1_000, { kind: "enter" }),
  ),
  refusal("protocol 1 a voucher of another round", "VOUCHER_FOREIGN_ROUND", (r) =>
    r.boost(bob, "a", 10, { roundTag: "00".repeat(16) }),
  ),
  refusal("protocol 3 a voucher of another play key", "VOUCHER_KEY_MISMATCH", (r) =>
    r.boost(bob, "a", 10, { playKey: cat.playKey }),
  ),
  refusal("protocol 3 a voucher for another meme", "VOUCHER_MEME_MISMATCH", (r) =>
    r.boost(bob, "a", 10, { memeId: memeIdOf("z") }),
  ),
  refusal(
    "protocol 3 a number used before",
    "VOUCHER_SEQ_STALE",
    (r) => r.boost(bob, "a", 10, { seq: 1 }),
    (r) => r.must(r.boost(bob, "a", 10)),
  ),
  refusal("protocol 3 a number skipped", "VOUCHER_SEQ_STALE", (r) => r.boost(bob, "a", 10, { seq: 2 })),
  refusal(
    "protocol 3 a voucher that does not continue",
    "VOUCHER_CHAIN_BROKEN",
    (r) => r.boost(bob, "a", 10, { prev: "11".repeat(32) }),
    (r) => r.must(r.boost(bob, "a", 10)),
  ),
  refusal("I2 a boost under another identity", "PLAY_KEY_TAKEN", (r) =>
    r.boost({ ...bob, identity: cat.identity }, "a", 10),
  ),
  refusal("R9 a boost of nothing known", "MEME_UNKNOWN", (r) => r.boost(bob, "z", 10)),
  refusal(
    "R12 a boost of a meme taken down",
    "MEME_TAKEN_DOWN",
    (r) => r.boost(bob, "a", 10),
    (r) => r.must(takedown("a")),
  ),
  refusal("R8 one's own meme by play key", "MEME_OWN", (r) => r.boost(ann, "a", 10)),
  refusal("R8 one's own meme by identity", "MEME_OWN", (r) => r.boost(annTwo, "a", 10)),
  refusal("E1 a boost under the minimum", "BOOST_TOO_SMALL", (r) => r.boost(bob, "a", 9)),
  refusal("E2 a boost over what is left", "DEPOSIT_OVERSPENT", (r) => r.boost(bob, "a", 4_971)),
  refusal("protocol 3 a boost with a spoiled signature", "VOUCHER_SIGNATURE_INVALID", (r) =>
    spoiled(r.boost(bob, "a", 10)),
  ),
  refusal(
    "protocol 3 a boost signed by somebody else",
    "VOUCHER_SIGNATURE_INVALID",
    (r) => {
      const c = r.boost(bob, "a", 10);
      return { ...c, voucher: r.voucher({ ...bob, secret: cat.secret }, "boost", memeIdOf("a"), 10) };
    },
    () => {},
    { signer: REAL },
  ),
];

describe("decide: money refused changes nothing", () => {
  itRefuses(CASES);
});
