/** M9 in the browser: deposits past their deadline come back with the chain alone. */
import assert from "node:assert/strict";
import { LockingScript, Spend, UnlockingScript } from "@bsv/sdk";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { readRawTx } from "@meme-rounds/shared-schema/tx-read";
import { failure } from "../src/app/model.ts";
import type { Api } from "../src/net/api.ts";
import { createWocGet, findChain, openRefundChain, type RefundChain } from "../src/net/chain.ts";
import { createBook, type KeptDeposit } from "../src/wallet/book.ts";
import { buildDeposit } from "../src/wallet/deposit.ts";
import { createReclaim } from "../src/wallet/reclaim.ts";
import { memoryStorage } from "./support.ts";

const secret = new Uint8Array(32).fill(7);
const playKey = publicKeyOf(secret);
const closesAt = 1_800_000_000_000;
const deadline = closesAt / 1000 + 86_400;
const AFTER_MS = (deadline + 7_200) * 1000;

function depositOf(roundId: string, seed: number): KeptDeposit {
  const round = {
    roundId,
    network: "devchain",
    operatorKey: publicKeyOf(new Uint8Array(32).fill(1)),
    auditorKey: publicKeyOf(new Uint8Array(32).fill(2)),
    closesAt,
    deadline,
  } as const;
  const coin = { txid: seed.toString(16).padStart(64, "0"), vout: 0, sats: 20_000 };
  const built = buildDeposit(round, [coin], { sats: 10_000, satPerKb: 100 }, secret);
  assert.ok(built);
  return { ...built, state: "accepted", at: closesAt - 60_000 };
}

function world(options: { mtp?: number; spent?: string[]; now?: number; chainTakes?: boolean } = {}) {
  const { mtp = deadline + 3_600, spent = [], now = AFTER_MS, chainTakes = true } = options;
  const storage = memoryStorage();
  const book = createBook({ address: "1x" }, { storage, now: () => now });
  const sent: string[] = [];
  let asked = 0;
  const chain: RefundChain = {
    mtp: async () => mtp,
    async standing({ txid }) {
      asked++;
      return spent.includes(txid) ? { kind: "spent", by: "ab".repeat(32) } : { kind: "unspent" };
    },
    async send(rawHex) {
      if (chainTakes) sent.push(rawHex);
      return chainTakes;
    },
  };
  const broadcast: Api["broadcast"] = async () => failure("OFFLINE", "gone");
  const reclaim = createReclaim({
    key: () => ({ secret, playKey }),
    book: () => book,
    chain: async () => chain,
    api: { broadcast },
    now: () => now,
    changed: () => undefined,
  });
  return { book, reclaim, sent, asked: () => asked };
}
const keep = (book: ReturnType<typeof world>["book"], deposits: KeptDeposit[]) =>
  book.update((before) => ({ ...before, deposits }));

describe("taking deposits back", () => {
  const [one, two] = [depositOf("main-1799999400", 1), depositOf("main-1799998800", 2)];

  it("M9: unspent deposits past their deadline are found; spent ones are asked about once", async () => {
    const { book, reclaim, asked } = world({ spent: [two.txid] });
    keep(book, [one, two]);
    const found = {
      txid: one.txid,
      roundId: one.roundId,
      sats: 10_000,
      opensAt: deadline * 1000,
      open: true,
    };
    assert.deepEqual(await reclaim.find(), { ok: true, deposits: [found] });
    assert.equal(asked(), 2);
    await reclaim.find();
    assert.equal(asked(), 3);
  });

  it("M9: before the deadline nothing is asked and nothing can be taken", async () => {
    const { book, reclaim, asked, sent } = world({ now: (deadline - 1) * 1000 });
    keep(book, [one]);
    assert.deepEqual(await reclaim.find(), { ok: true, deposits: [] });
    assert.equal((await reclaim.take(one.txid)).ok, false);
    assert.deepEqual([asked(), sent.length], [0, 0]);
  });

  it("M9: before the chain's clock is there it is shown, but not sent", async () => {
    const { book, reclaim, sent } = world({ mtp: deadline });
    keep(book, [one]);
    const answer = await reclaim.find();
    assert.ok(answer.ok && answer.deposits[0]?.open === false);
    const taken = await reclaim.take(one.txid);
    assert.ok(!taken.ok && taken.code === "NETWORK_REFUSED");
    assert.equal(sent.length, 0);
  });

  it("M9: the refund that is sent opens the escrow and pays the player; it is in the history once", async () => {
    const { book, reclaim, sent } = world();
    keep(book, [one]);
    assert.deepEqual(await reclaim.take(one.txid), { ok: true });
    const tx = readRawTx(sent[0] ?? "");
    const source = readRawTx(one.tx)?.outputs[0];
    const input = tx?.inputs[0];
    assert.ok(tx && source && input);
    const spend = new Spend({
      sourceTXID: input.txid,
      sourceOutputIndex: input.vout,
      sourceSatoshis: source.sats,
      lockingScript: LockingScript.fromHex(source.script),
      transactionVersion: 1,
      otherInputs: [],
      outputs: tx.outputs.map(({ sats, script }) => ({
        satoshis: sats,
        lockingScript: LockingScript.fromHex(script),
      })),
      inputIndex: 0,
      unlockingScript: UnlockingScript.fromHex(input.unlocking),
      inputSequence: input.sequence,
      lockTime: tx.locktime,
    });
    assert.equal(spend.validate(), true);
    assert.equal(tx.locktime, deadline);
    const { history } = book.read();
    assert.deepEqual(
      history.map(({ kind, sats, txid }) => ({ kind, sats, txid })),
      [{ kind: "refund", sats: tx.outputs[0]?.sats, txid: tx.txid }],
    );
    assert.deepEqual(await reclaim.find(), { ok: true, deposits: [] });
    assert.equal((await reclaim.take(one.txid)).ok, false);
  });

  it("M9: when nobody takes it, it can be tried again", async () => {
    const { book, reclaim } = world({ chainTakes: false });
    keep(book, [one]);
    const answer = await reclaim.take(one.txid);
    assert.ok(!answer.ok && answer.code === "OFFLINE");
    const found = await reclaim.find();
    assert.ok(found.ok && found.deposits.length === 1);
  });

  it("M9: an unspent deposit is kept for a year longer than a spent one", () => {
    const ended = { ...two, ended: true as const };
    for (const [days, left] of [
      [20, 2],
      [40, 1],
      [394, 1],
      [396, 0],
    ] as const) {
      const { book } = world({ now: (deadline + days * 86_400) * 1000 });
      assert.equal(keep(book, [one, ended]).deposits.length, left, `${days} days`);
    }
  });
});

describe("the chain asked from the page", () => {
  const place = { network: "devchain", wocUrl: "http://chain" } as const;
  const answers = (list: (Response | Error)[]) => {
    const urls: string[] = [];
    const fetch = async (input: URL | RequestInfo): Promise<Response> => {
      urls.push(String(input));
      const next = list.shift() ?? new Response("", { status: 404 });
      if (next instanceof Error) throw next;
      return next;
    };
    return { fetch: fetch as typeof globalThis.fetch, urls };
  };
  const sleep = async (): Promise<void> => undefined;

  it("M9: the place is asked of the server once and remembered when the server is gone", async () => {
    const storage = memoryStorage();
    const up = answers([Response.json(place)]);
    assert.deepEqual(await findChain({ origin: "http://us" }, { fetch: up.fetch, storage }), place);
    assert.deepEqual(up.urls, ["http://us/api/network"]);
    const down = answers([new Error("gone")]);
    assert.deepEqual(await findChain({ origin: "http://us" }, { fetch: down.fetch, storage }), place);
    assert.equal(
      await findChain({ origin: "http://us" }, { fetch: down.fetch, storage: memoryStorage() }),
      undefined,
    );
    storage.setItem("mr:chain", '{"network":"moon","wocUrl":"http://chain"}');
    assert.equal(await findChain({ origin: "http://us" }, { fetch: down.fetch, storage }), undefined);
  });

  it("M9: 429 and 5xx are tried again, then said", async () => {
    const busy = answers([new Response("", { status: 429 }), new Error("reset"), new Response("ab")]);
    const get = createWocGet(place, { fetch: busy.fetch, sleep });
    assert.deepEqual(await get("/tx/1/hex"), { status: 200, text: "ab" });
    assert.equal(busy.urls[2], "http://chain/v1/bsv/main/tx/1/hex");
    const away = answers(Array.from({ length: 9 }, () => new Error("away")));
    await assert.rejects(createWocGet(place, { fetch: away.fetch, sleep })("/x"), /cannot be reached/);
  });

  it("M9: what spends a deposit, whether it is unspent, and the chain's clock", async () => {
    const coin = { txid: "cd".repeat(32), vout: 1, script: "51" };
    const open = async (list: (Response | Error)[]) => {
      const storage = memoryStorage();
      const { fetch } = answers([Response.json(place), ...list]);
      const after = (_ms: number, work: () => void) => work();
      return await openRefundChain({ origin: "http://us", fetch, storage, after });
    };
    const row = { tx_hash: coin.txid, tx_pos: 1, value: 5 };
    const standing = async (...list: Response[]) => await (await open(list)).standing(coin);
    assert.deepEqual(await standing(Response.json({ result: [row] })), { kind: "unspent" });
    const spent = Response.json({ txid: "ab".repeat(32) });
    assert.deepEqual(
      await standing(Response.json({ result: [{ ...row, isSpentInMempoolTx: true }] }), spent),
      {
        kind: "spent",
        by: "ab".repeat(32),
      },
    );
    assert.deepEqual(await standing(Response.json({ result: [] })), { kind: "unknown" });
    assert.equal(await (await open([Response.json({ mediantime: 77 })])).mtp(), 77);
    await assert.rejects((await open([Response.json({})])).mtp(), /no time/);
    const known = new Response("Transaction already in the mempool", { status: 400 });
    assert.equal(await (await open([known])).send("00"), true);
    assert.equal(await (await open([new Response("no", { status: 400 })])).send("00"), false);
    assert.equal(await (await open([new Error("away")])).send("00"), false);
  });
});
