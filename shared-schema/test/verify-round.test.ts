/** M10: a round is verified from what stands on the chain; each lie turns its own row red. */
import assert from "node:assert/strict";
import { toHex, utf8 } from "../src/bytes.ts";
import { ed25519PublicKey, publicKeyOf, signEd25519, verifyCompact } from "../src/crypto.ts";
import { sha256Hex } from "../src/hash.ts";
import { linkUnlock } from "../src/ledger.ts";
import { type LinkBody, linkOutputs, payoutHashOf, signHandover } from "../src/ledger-link.ts";
import { p2pkhScript } from "../src/lock.ts";
import { acceptedBytes, headBytes } from "../src/receipt.ts";
import type { Entry } from "../src/records.ts";
import { EMPTY_HEAD, headOf, seal } from "../src/records.ts";
import { FINAL_SEQUENCE, preimages, rawTxBytes } from "../src/sighash.ts";
import { readRawTx } from "../src/tx-read.ts";
import { p2pkhUnlock, signPreimage } from "../src/unlock.ts";
import { verdictOf, verifyRound } from "../src/verify-round.ts";
import { gatherRound, type RoundHints } from "../src/verify-round-gather.ts";
import type { Check, RoundEvidence } from "../src/verify-round-parts.ts";
import { addLink, type Proven, proven, secretOf, settle } from "./support/proven.ts";

const SMALL = { direct: 1, mined: 3, unmined: 2, payouts: 4 };
const SHAPE = { players: 8, memes: 4, boosts: 2, carryIn: 5_000 };

const gather = (round: Proven, change: { hints?: RoundHints; target?: string; depth?: number } = {}) =>
  gatherRound(
    {
      network: "devchain",
      target: change.target ?? round.roundId,
      hints: change.hints ?? { linkTxid: round.link },
      depth: change.depth ?? 100,
    },
    { chain: round.chain },
  );
const checksOf = (evidence: RoundEvidence): Check[] => [...verifyRound(evidence, { verify: verifyCompact })];
const verify = async (round: Proven, change: Parameters<typeof gather>[1] = {}): Promise<Check[]> =>
  checksOf(await gather(round, change));
/** "link + journal + chain - rules ?": + green, - red, ? skipped, . nothing of the kind. */
const picture = (checks: readonly Check[]): string =>
  checks
    .map(({ id, ok, absent }) => id + (ok === true ? "+" : ok === false ? "-" : absent ? "." : "?"))
    .join(" ");
const reasonOf = (checks: readonly Check[]): string => checks.find(({ ok }) => ok === false)?.reason ?? "";
const GREEN =
  "link+ journal+ chain+ signatures+ rules+ heads. receipts. deposits+ ranking+ payouts+ outputs+ carry+";

/** The journal from `at` on sealed again, so that its hashes hang together. */
function resealed(entries: Entry[], at: number, change: (entry: Entry) => Entry): Entry[] {
  let head = at === 0 ? EMPTY_HEAD : headOf(entries[at - 1] as Entry);
  return entries.map((entry, index) => {
    if (index < at) return entry;
    const changed = index === at ? change(entry) : entry;
    const { kind, body, at: time } = changed.record;
    const { hash: _hash, record: _record, ...beside } = changed;
    const next = seal(head, time, { kind, body } as Parameters<typeof seal>[2], beside);
    head = headOf(next);
    return next;
  });
}

describe("verify a round", () => {
  let honest: Proven;
  before(async () => {
    honest = await proven(SHAPE);
  });
  const fresh = () => proven(SHAPE);

  it("M10: an honest round is green, with its numbers, from one direct settlement or from many transactions", async () => {
    const checks = await verify(honest);
    assert.equal(picture(checks), GREEN, reasonOf(checks));
    assert.equal(verdictOf(checks), "green");
    const numbers = Object.fromEntries(checks.map((check) => [check.id, check.numbers]));
    assert.deepEqual(numbers.link, { link: 2, followed: 2, block: 100 });
    assert.deepEqual(numbers.deposits, { deposits: 8, sat: 160_000 });
    assert.equal(numbers.signatures?.vouchers, 20);
    assert.equal(numbers.outputs?.transactions, 1);
    const many = await proven({ ...SHAPE, limits: SMALL });
    const collected = await verify(many);
    assert.equal(picture(collected), GREEN, reasonOf(collected));
    assert.ok(many.settlement.length > 4);
    const outputs = collected.find(({ id }) => id === "outputs");
    assert.deepEqual(new Set(outputs?.txids), new Set(many.settlement));
  });

  it("M10: the link is found by hint, by its txid, by walking from the genesis and in the operator's history", async () => {
    const operatorKey = publicKeyOf(secretOf("operator"));
    for (const how of [
      { hints: {}, target: honest.link },
      { hints: { genesis: honest.genesis } },
      { hints: { operatorKey } },
      { hints: { linkTxid: "00".repeat(32), genesis: honest.genesis } },
    ])
      assert.equal(picture(await verify(honest, how)), GREEN);
  });

  it("M10: hints of settlements are only hints: foreign ones are dropped, missing ones found", async () => {
    const many = await proven({ ...SHAPE, limits: SMALL });
    for (const settlement of [[many.journalTxid, many.settlement[0] ?? ""], [], many.settlement])
      assert.equal(picture(await verify(many, { hints: { linkTxid: many.link, settlement } })), GREEN);
  });

  it("M10: a ledger that is not followed to its beginning says so and is no less green", async () => {
    const [link] = await verify(honest, { depth: 1 });
    assert.equal(link?.ok, true);
    assert.match(link?.details.join(" ") ?? "", /followed back 1 link, not to its beginning/);
  });

  it("M10: a settlement that is not there yet leaves its rows open, not red", async () => {
    const round = await fresh();
    for (const txid of round.settlement) {
      round.chain.raw.delete(txid);
      for (const [outpoint, by] of round.chain.spends) if (by === txid) round.chain.spends.delete(outpoint);
    }
    const checks = await verify(round);
    assert.equal(picture(checks), GREEN.replace("outputs+ carry+", "outputs? carry?"));
    assert.equal(verdictOf(checks), "incomplete");
  });

  it("M10: what is not in a block yet is not called right: somebody may only hold it", async () => {
    for (const which of ["link", "journalTxid", "settlement"] as const) {
      const round = await fresh();
      round.chain.unmined.add([round[which]].flat()[0] ?? "");
      const checks = await verify(round);
      assert.equal(picture(checks), GREEN.replace("outputs+", "outputs?"));
      assert.equal(verdictOf(checks), "incomplete");
      const outputs = checks.find(({ id }) => id === "outputs");
      assert.match(outputs?.reason ?? "", /it is right, but 1 transaction is not in a block yet/);
    }
  });

  describe("link", () => {
    const REST =
      "journal? chain? signatures? rules? heads? receipts? deposits? ranking? payouts? outputs? carry?";

    it("M10: a missing link turns the ledger's row red and leaves the others out", async () => {
      const checks = await verify(honest, { hints: {} });
      assert.equal(picture(checks), `link- ${REST}`);
      assert.match(reasonOf(checks), /the ledger has no link/);
      assert.equal(verdictOf(checks), "red");
    });

    it("M10: a link of another round, a foreign transaction, a link without its parent", async () => {
      assert.match(
        reasonOf(await verify(honest, { hints: { linkTxid: honest.parent } })),
        /link is of the round main-1/,
      );
      assert.match(reasonOf(await verify(honest, { hints: { linkTxid: honest.journalTxid } })), /is no link/);
      const round = await fresh();
      round.chain.raw.delete(round.parent);
      const checks = await verify(round);
      assert.equal(picture(checks), `link- ${REST}`);
      assert.match(reasonOf(checks), /the link before it is not on the chain/);
    });

    it("M10: an output that looks like a link but does not spend the one before", async () => {
      const round = await fresh();
      const forged = linkOutputs(2, round.body, publicKeyOf(secretOf("operator")));
      const parent = readRawTx(round.chain.raw.get(round.parent) ?? "");
      assert.ok(parent);
      const evidence = await gather(round);
      assert.ok(evidence.link);
      const tx = {
        ...evidence.link.tx,
        outputs: forged,
        inputs: evidence.link.tx.inputs.map((input) => ({ ...input, vout: 1 })),
      };
      const [link] = checksOf({ ...evidence, link: { ...evidence.link, tx } });
      assert.match(link?.reason ?? "", /does not spend the link before it/);
    });

    it("M10: a second link for the same round, another arena, a ledger that begins elsewhere", async () => {
      const round = await fresh();
      const again = addLink(round.chain, round.link, 3, round.body);
      assert.match(reasonOf(await verify(round, { hints: { linkTxid: again } })), /two links for this round/);
      const other = addLink(round.chain, round.parent, 2, { ...round.body, arena: "side" } as LinkBody);
      assert.match(reasonOf(await verify(round, { hints: { linkTxid: other } })), /of another arena/);
      const hints = { linkTxid: round.link, genesis: `${round.parent}:0` };
      assert.match(reasonOf(await verify(round, { hints })), /begins elsewhere/);
    });

    it("M5: a handover signed by both keys is followed, one that is not is red", async () => {
      for (const honestly of [true, false]) {
        const round = await fresh();
        const { chain } = round;
        const next = secretOf("next operator");
        const spendFuel = (name: string, outputs: { sats: number; script: string }[], owner: Uint8Array) => {
          const script = p2pkhScript(publicKeyOf(owner));
          const input = {
            txid: sha256Hex(utf8(name)),
            vout: 0,
            sats: 2_000,
            script,
            sequence: FINAL_SEQUENCE,
          };
          const tx = { version: 1, inputs: [input], outputs, locktime: 0 };
          const signature = signPreimage(preimages(tx)(0), owner);
          return chain.add(
            toHex(rawTxBytes(tx, [p2pkhUnlock({ signature, publicKey: publicKeyOf(owner) })])),
          );
        };
        const tip = `${round.parent}:0`;
        const body = { arena: "main", genesis: "devchain", previous: tip } as const;
        const genesis = spendFuel("new genesis", linkOutputs(0, body, publicKeyOf(next)), next);
        const signer = honestly ? secretOf("operator") : secretOf("thief");
        const handover = signHandover(tip, `${genesis}:0`, { old: signer, new: next });
        const parentOut = readRawTx(chain.raw.get(round.parent) ?? "")?.outputs[0];
        assert.ok(parentOut);
        const plain = {
          version: 1,
          inputs: [{ txid: round.parent, vout: 0, sequence: FINAL_SEQUENCE, ...parentOut }],
          outputs: linkOutputs(2, handover, publicKeyOf(secretOf("operator"))),
          locktime: 0,
        };
        const { tx, unlocking } = linkUnlock(plain, 0, secretOf("operator"));
        chain.add(toHex(rawTxBytes(tx, [unlocking])));
        const link = addLink(chain, genesis, 1, round.body, next);
        const checks = await verify(round, { hints: { linkTxid: link } });
        if (honestly) assert.equal(picture(checks), GREEN, reasonOf(checks));
        else assert.match(reasonOf(checks), /handover is not signed by both keys/);
      }
    });
  });

  describe("journal", () => {
    const REST = "chain? signatures? rules? heads? receipts? deposits? ranking? payouts? outputs? carry?";
    /** Puts another file where the link points, as a lying chain API could; its bytes no longer hash to the txid. */
    const withJournal = async (change: (evidence: RoundEvidence) => RoundEvidence): Promise<Check[]> =>
      checksOf(change(await gather(honest)));

    it("M10: a tampered journal turns the journal's row red and only that", async () => {
      const entries = resealed([...honest.entries], 20, (entry) => ({
        ...entry,
        record: { ...entry.record, at: entry.record.at + 1 },
      }));
      const checks = await withJournal((evidence) => ({ ...evidence, journal: { entries } }));
      assert.equal(picture(checks), `link+ journal- ${REST}`);
      assert.match(reasonOf(checks), /fingerprint is not the one in the ledger/);
    });

    it("M10: a link that names a journal of another round, no journal, or something else", async () => {
      const round = await fresh();
      round.chain.raw.delete(round.journalTxid);
      assert.equal(picture(await verify(round)), `link+ journal- ${REST}`);
      const body = { ...round.body, journalTxid: round.settlement[0] ?? "" } as LinkBody;
      const link = addLink(round.chain, round.parent, 2, body);
      assert.match(reasonOf(await verify(round, { hints: { linkTxid: link } })), /holds no journal/);
      const other = addLink(round.chain, round.parent, 2, {
        ...honest.body,
        roundId: "main-1800000600",
      } as LinkBody);
      const found = await verify(honest, { hints: {}, target: "main-1800000600" });
      assert.match(reasonOf(found), /no link/);
      honest.chain.raw.set(other, round.chain.raw.get(other) ?? "");
      const checks = await verify(honest, { hints: { linkTxid: other }, target: "main-1800000600" });
      assert.match(reasonOf(checks), /the journal is of the round/);
    });

    it("M10: a voided round's journal stays closed, which is nothing bad", async () => {
      const round = await fresh();
      const { journalTxid: _journal, ...rest } = round.body as Extract<LinkBody, { outcome: "closed" }>;
      const body = { ...rest, outcome: "voided", reason: "nobody came" } as LinkBody;
      const link = addLink(round.chain, round.parent, 2, body);
      const checks = await verify(round, { hints: { linkTxid: link } });
      const open = REST.replaceAll("?", ".").replace(/(deposits|payouts|outputs)\./g, "$1?");
      assert.equal(picture(checks), `link+ journal. ${open}`);
      assert.equal(verdictOf(checks), "incomplete");
      assert.match(checks[0]?.details.join(" ") ?? "", /voided: nobody came/);
    });

    it("M10: a record added, lost or moved breaks the chain's row", async () => {
      const change = (entries: Entry[]) => withJournal((evidence) => ({ ...evidence, journal: { entries } }));
      const { entries } = honest;
      const REST_OF = "signatures? rules? heads? receipts? deposits? ranking? payouts? outputs? carry?";
      for (const [broken, words] of [
        [entries.toSpliced(12, 1), /record 13 carries the number 14/],
        [
          entries.toSpliced(12, 1, { ...(entries[12] as Entry), hash: "0".repeat(64) }),
          /another fingerprint than it says/,
        ],
        [
          entries.toSpliced(
            12,
            1,
            resealed([...entries], 12, (e) => ({
              ...e,
              record: { ...e.record, at: e.record.at + 1 },
            }))[12] as Entry,
          ),
          /record 14 does not follow/,
        ],
      ] as const) {
        const checks = await change(broken);
        assert.equal(picture(checks), `link+ journal+ chain- ${REST_OF}`);
        assert.match(reasonOf(checks), words);
      }
    });
  });

  describe("who keeps the journal lies in it, and the ledger agrees", () => {
    const lying = async (journal: (entries: Entry[]) => Entry[]) =>
      verify(await proven({ ...SHAPE, journal }));
    const at = (entries: Entry[], kind: string, from = 0) =>
      entries.findIndex(({ record }, index) => index >= from && record.kind === kind);

    it("M10: a voucher's signature is another's", async () => {
      const checks = await lying((entries) => {
        const last = entries.findLastIndex(({ record }) => record.kind === "boost");
        const sig = entries[at(entries, "boost")]?.sig ?? "";
        return entries.toSpliced(last, 1, { ...(entries[last] as Entry), sig });
      });
      assert.equal(picture(checks), GREEN.replace("signatures+", "signatures-"));
      assert.match(reasonOf(checks), /last voucher of the player .* is not signed by that player/);
    });

    it("M10: a chat line says something else", async () => {
      const checks = await lying((entries) => {
        const chat = at(entries, "chat");
        const sig = `${entries[chat]?.sig?.slice(0, -2)}00`;
        return entries.toSpliced(chat, 1, { ...(entries[chat] as Entry), sig });
      });
      assert.equal(picture(checks), GREEN.replace("signatures+", "signatures-"));
      assert.match(reasonOf(checks), /chat line of record \d+ is not signed/);
    });

    it("M10: a record that the rules refuse", async () => {
      const checks = await lying((entries) => {
        const blind = entries.findIndex(({ record }) => record.kind === "phase");
        return resealed(entries, blind, (entry) => ({
          ...entry,
          record: { ...entry.record, at: entry.record.at - 60_000 } as Entry["record"],
        }));
      });
      assert.equal(
        picture(checks),
        "link+ journal+ chain+ signatures+ rules- heads. receipts. deposits? ranking? payouts? outputs? carry?",
      );
      assert.match(reasonOf(checks), /^record \d+: /);
    });

    const withResult =
      (change: (body: Extract<Entry["record"], { kind: "result" }>["body"]) => object) =>
      (entries: Entry[]) =>
        resealed(entries, entries.length - 1, (entry) => {
          if (entry.record.kind !== "result") throw new Error("no result");
          return {
            ...entry,
            record: { ...entry.record, body: { ...entry.record.body, ...change(entry.record.body) } },
          };
        });

    it("M10: another ranking", async () => {
      const checks = await lying(withResult(({ ranking }) => ({ ranking: ranking.toReversed() })));
      assert.equal(picture(checks), GREEN.replace("ranking+", "ranking-"));
      assert.match(reasonOf(checks), /rank 1 should be the meme/);
    });

    it("M10: a tampered payout: one satoshi from one player to another", async () => {
      const checks = await lying(
        withResult(({ payouts }) => ({
          payouts: payouts.map((one, index) => ({
            ...one,
            won: one.won + (index === 0 ? 1 : index === 1 ? -1 : 0),
          })),
        })),
      );
      assert.equal(picture(checks), GREEN.replace("payouts+ outputs+", "payouts- outputs?"));
      assert.match(reasonOf(checks), /is due \d+ sat, the journal says \d+/);
    });

    it("M10: a payout to a stranger, a fee too high", async () => {
      const stranger = { playKey: publicKeyOf(secretOf("stranger")), won: 1, returned: 0 };
      const paid = await lying(
        withResult(({ payouts }) => ({
          payouts: [...payouts, stranger].sort((a, b) => (a.playKey < b.playKey ? -1 : 1)),
        })),
      );
      assert.match(reasonOf(paid), /pays somebody who is due nothing/);
      const fee = await lying(withResult(({ fee, carryOut }) => ({ fee: fee + 1, carryOut: carryOut - 1 })));
      assert.match(reasonOf(fee), /fee is \d+ sat, the journal says \d+/);
    });

    it("M10: the ledger's fingerprint of the payouts is of others", async () => {
      const round = await fresh();
      const last = round.entries.at(-1)?.record;
      assert.ok(last?.kind === "result");
      const payoutHash = payoutHashOf({ kind: "result", result: { ...last.body, fee: 0 } });
      const link = addLink(round.chain, round.parent, 2, { ...round.body, payoutHash } as LinkBody);
      const checks = await verify(round, { hints: { linkTxid: link } });
      assert.equal(picture(checks), GREEN.replace("payouts+ outputs+", "payouts- outputs?"));
      assert.match(reasonOf(checks), /payouts' fingerprint is not the one in the ledger/);
    });
  });

  describe("a voided round", () => {
    const VOID =
      "link+ journal. chain. signatures. rules. heads. receipts. deposits+ ranking. payouts+ outputs+ carry.";
    const voided = (change: object = {}) => proven({ players: 5, memes: 1, ...change });
    const hinted = (round: Proven, settlement = round.settlement) =>
      verify(round, { hints: { linkTxid: round.link, settlement } });

    it("E10: every deposit came back in full, and they are all that the ledger speaks of", async () => {
      for (const limits of [undefined, SMALL]) {
        const round = await voided({ carryIn: 5_000, ...(limits ? { limits } : {}) });
        const checks = await hinted(round);
        assert.equal(picture(checks), VOID, reasonOf(checks));
        assert.equal(verdictOf(checks), "green");
        assert.deepEqual(checks.find(({ id }) => id === "payouts")?.numbers, { players: 5, sat: 100_000 });
      }
    });

    it("E10: one satoshi less, a player left out, a deposit of another round", async () => {
      for (const [alter, words] of [
        [
          (outputs: { sats: number; script: string }[]) =>
            outputs.map((one, at) => (at === 0 ? { ...one, sats: one.sats - 1 } : one)),
          /put in 20000 sat and got 19999 back/,
        ],
        [(outputs: { sats: number; script: string }[]) => outputs.slice(1), /1 player got nothing back/],
        [
          (outputs: { sats: number; script: string }[]) => [{ sats: 1, script: "51" }, ...outputs],
          /go to nobody who played/,
        ],
      ] as const) {
        const round = await voided();
        const settlement = settle(round.chain, round.plan, (tx) => ({
          ...tx,
          outputs: alter([...tx.outputs]),
        }));
        const checks = await hinted(round, settlement);
        assert.equal(picture(checks), VOID.replace("outputs+", "outputs-"));
        assert.match(reasonOf(checks), words);
      }
      const [one, other] = [await voided(), await proven(SHAPE)];
      for (const [txid, raw] of other.chain.raw) one.chain.raw.set(txid, raw);
      const evidence = await gather(one, { hints: { linkTxid: one.link, settlement: one.settlement } });
      const checks = checksOf({ ...evidence, network: "test" });
      assert.equal(checks.find(({ id }) => id === "deposits")?.ok, false);
      assert.match(reasonOf(checks), /is not a deposit of this round/);
    });

    it("E10: a deposit that the settlement does not return is missed by the ledger's fingerprint", async () => {
      const round = await voided();
      const evidence = await gather(round, { hints: { linkTxid: round.link, settlement: round.settlement } });
      const less = evidence.settlement.map((one) => {
        const inputs = one.tx.inputs.filter((_input, at) => at !== 0);
        return { ...one, tx: { ...one.tx, inputs } };
      });
      const checks = checksOf({ ...evidence, settlement: less });
      assert.equal(picture(checks), VOID.replace("payouts+", "payouts-"));
      assert.match(reasonOf(checks), /not those the ledger speaks of/);
    });
  });

  describe("heads and receipts", () => {
    const seed = new Uint8Array(32).fill(7);
    const headKey = ed25519PublicKey(seed);
    const head = (round: Proven, seq: number, hash = round.entries[seq - 1]?.hash ?? "", by = seed) => {
      const auditorTime = 1_800_000_000_500;
      const sig = signEd25519(headBytes(round.round.state.roundTag, seq, hash, auditorTime), by);
      return { seq, hash, auditorTime, sig };
    };
    const withHeads = async (heads: ReturnType<typeof head>[]) =>
      checksOf({ ...(await gather(honest)), heads: { headKey, heads } });

    it("M4: heads that the journal holds are green, one it contradicts and one by another key are red", async () => {
      assert.equal(
        picture(await withHeads([head(honest, 3), head(honest, 20)])),
        GREEN.replace("heads.", "heads+"),
      );
      const red = GREEN.replace("heads.", "heads-");
      const other = await withHeads([head(honest, 3), head(honest, 20, "ab".repeat(32))]);
      assert.equal(picture(other), red);
      assert.match(reasonOf(other), /auditor saw another record 20/);
      assert.equal(picture(await withHeads([head(honest, 999, "ab".repeat(32))])), red);
      const foreign = await withHeads([head(honest, 3, undefined, new Uint8Array(32).fill(8))]);
      assert.equal(picture(foreign), red);
      assert.match(reasonOf(foreign), /is not signed by the auditor/);
    });

    const receiptSeed = new Uint8Array(32).fill(9);
    const receiptOf = (round: Proven, seq: number, change: { hash?: string } = {}) => {
      const entry = round.entries[seq - 1] as Entry;
      const { at } = entry.record;
      const hash = change.hash ?? entry.hash;
      const sig = signEd25519(acceptedBytes(round.round.state.roundTag, seq, at, hash), receiptSeed);
      return { roundId: round.roundId, seq, at, hash, sig };
    };
    /** A round whose record 1 names a receipt key that we hold. */
    async function receipted(receipts: (round: Proven) => ReturnType<typeof receiptOf>[]): Promise<Check[]> {
      const round = await proven({ ...SHAPE, receiptKey: ed25519PublicKey(receiptSeed) });
      return checksOf({ ...(await gather(round)), receipts: receipts(round) });
    }

    it("R9: receipts that the journal honours are green; one that it does not is red", async () => {
      assert.equal(
        picture(await receipted((round) => [receiptOf(round, 9)])),
        GREEN.replace("receipts.", "receipts+"),
      );
      const red = await receipted((round) => [
        receiptOf(round, 9),
        receiptOf(round, 12, { hash: "ab".repeat(32) }),
      ]);
      assert.equal(picture(red), GREEN.replace("receipts.", "receipts-"));
      assert.match(reasonOf(red), /receipt for record 12 is of something the journal does not hold/);
      const foreign = await receipted((round) => [{ ...receiptOf(round, 9), sig: "00".repeat(64) }]);
      assert.match(reasonOf(foreign), /1 receipt kept here is not of this journal's round/);
    });
  });

  describe("deposits, outputs, jackpot", () => {
    it("M10: a deposit that nobody made", async () => {
      const round = await fresh();
      const evidence = await gather(round);
      assert.ok(evidence.journal && "entries" in evidence.journal);
      const settlement = evidence.settlement.map((one) => ({
        ...one,
        tx: { ...one.tx, inputs: one.tx.inputs.slice(1) },
      }));
      const checks = checksOf({ ...evidence, settlement });
      assert.equal(picture(checks), GREEN.replace("deposits+", "deposits-").replace("outputs+", "outputs?"));
      assert.match(reasonOf(checks), /deposit .* is not (on the chain|a coin of 20000 sat)/);
    });

    it("M10: a settled deposit of another amount or lock than the journal's", async () => {
      for (const shape of [{ depositLock: "other" }, { depositSats: 19_999 }] as const) {
        const checks = await verify(await proven({ ...SHAPE, ...shape }));
        assert.equal(checks.find(({ id }) => id === "deposits")?.ok, false);
        assert.match(reasonOf(checks), /is not a coin of 20000 sat in this round's lock/);
      }
    });

    it("M10: an unspent deposit is looked at itself", async () => {
      const round = await fresh();
      const evidence = await gather(round);
      const raw = [...round.chain.raw.values()].flatMap((hex) => readRawTx(hex) ?? []);
      const all = new Map(raw.map((tx) => [tx.txid, tx]));
      const honestly = checksOf({ ...evidence, settlement: [], sources: all });
      assert.equal(honestly.find(({ id }) => id === "deposits")?.ok, true);
      const first = [...round.round.state.players.values()][0]?.deposits[0]?.txid ?? "";
      const tx = all.get(first);
      assert.ok(tx);
      for (const [output, words] of [
        [{ sats: 1, script: tx.outputs[0]?.script ?? "" }, /holds 1 sat, not 20000/],
        [{ sats: 20_000, script: "51" }, /locked otherwise than the rules say/],
      ] as const) {
        const sources = new Map(all).set(first, { ...tx, outputs: [output] });
        assert.match(reasonOf(checksOf({ ...evidence, settlement: [], sources })), words);
      }
    });

    const settledAs = async (alter: Parameters<typeof settle>[2]) => {
      const round = await fresh();
      for (const txid of round.settlement) round.chain.raw.delete(txid);
      settle(round.chain, round.plan, alter);
      return await verify(round);
    };

    it("M10: operator and auditor together pay one satoshi elsewhere, leave a player out, take the jackpot", async () => {
      const moved = await settledAs((tx) => ({
        ...tx,
        outputs: tx.outputs.map((one, at) => ({
          ...one,
          sats: one.sats + (at === 0 ? 1 : at === 1 ? -1 : 0),
        })),
      }));
      assert.equal(picture(moved), GREEN.replace("outputs+", "outputs-"));
      assert.match(reasonOf(moved), /is not due/);
      const left = await settledAs((tx) => ({ ...tx, outputs: tx.outputs.slice(1) }));
      assert.equal(picture(left), GREEN.replace("outputs+", "outputs-"));
      assert.match(reasonOf(left), /is not paid/);
      const script = p2pkhScript(publicKeyOf(secretOf("operator")));
      const taken = await settledAs((tx) => ({
        ...tx,
        outputs: tx.outputs.map((one) => (/88ad/.test(one.script) ? { ...one, script } : one)),
      }));
      assert.equal(picture(taken), GREEN.replace("outputs+", "outputs-"));
    });

    it("M10: a jackpot that comes from another round, or is not spent", async () => {
      const other = await verify(await proven({ ...SHAPE, carryOrigin: "main-600" }));
      assert.equal(picture(other), GREEN.replace("carry+", "carry-"));
      assert.match(reasonOf(other), /said to be from main-1 is another round's/);
      const round = await fresh();
      const evidence = await gather(round);
      const lock = round.plan.txs.flatMap(({ inputs }) => inputs.filter(({ kind }) => kind === "carry"))[0];
      assert.ok(lock?.kind === "carry");
      const sources = new Map(evidence.sources);
      sources.delete(lock.txid);
      const checks = checksOf({ ...evidence, sources });
      assert.equal(checks.find(({ id }) => id === "carry")?.ok, false);
    });
  });
});
