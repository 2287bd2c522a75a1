/** Filling the play wallet from another wallet: asked once, on the right network, whatever the network says after. */
import assert from "node:assert/strict";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Network } from "@meme-rounds/shared-schema/records";
import { createBook } from "../src/wallet/book.ts";
import { type Payer, type TopUpDeps, topUp } from "../src/wallet/top-up.ts";

const playKey = publicKeyOf(new Uint8Array(32).fill(7));
const NOW = 1_800_000_000_000;

function world(
  change: { payer?: Partial<Payer>; network?: Network; broadcast?: TopUpDeps["api"]["broadcast"] } = {},
) {
  const stored = new Map<string, string>();
  const book = createBook(
    { address: "mine" },
    {
      storage: {
        getItem: (key) => stored.get(key) ?? null,
        setItem: (key, value) => void stored.set(key, value),
      },
      now: () => NOW,
    },
  );
  const asked: { script: string; sats: number }[][] = [];
  const told: string[] = [];
  const payer: Payer = {
    name: "Yours",
    network: async () => "main",
    async pay(outputs) {
      asked.push([...outputs]);
      return { txid: "aa", tx: "beef" };
    },
    ...change.payer,
  };
  const deps: TopUpDeps = {
    payer: async () => payer,
    playKey: async () => playKey,
    network: () => change.network ?? "main",
    book: () => book,
    api: {
      async broadcast(tx) {
        told.push(tx);
        return change.broadcast
          ? await change.broadcast(tx)
          : { ok: true, data: { txid: "aa", status: "seen" } };
      },
    },
    refresh: async () => undefined,
    now: () => NOW,
  };
  return { deps, book, asked, told };
}

describe("top-up from another wallet", () => {
  it("I3: asks it to pay the play key, passes the transaction on, and notes it", async () => {
    const { deps, book, asked, told } = world();
    assert.deepEqual(await topUp(deps, 50_000), { ok: true });
    assert.deepEqual(asked, [[{ script: p2pkhScript(playKey), sats: 50_000 }]]);
    assert.deepEqual(told, ["beef"]);
    assert.deepEqual(book.read().history, [{ kind: "topup", sats: 50_000, at: NOW, txid: "aa" }]);
  });

  for (const [network, theirs] of [
    ["devchain", "main"],
    ["test", "main"],
    ["main", "test"],
  ] as const)
    it(`I3: coins of ${theirs} never go to a game on ${network}`, async () => {
      const { deps, asked } = world({ network, payer: { network: async () => theirs } });
      const outcome = await topUp(deps, 1_000);
      assert.ok(!outcome.ok && outcome.code === "WALLET_NETWORK");
      assert.deepEqual(asked, []);
    });

  it("I3: says what is missing: no wallet, no amount", async () => {
    const { deps, asked } = world();
    const none = await topUp({ ...deps, payer: async () => undefined }, 1_000);
    assert.ok(!none.ok && none.code === "WALLET_MISSING");
    for (const sats of [0, -1, 0.5, Number.NaN]) {
      const wrong = await topUp(deps, sats);
      assert.ok(!wrong.ok && wrong.code === "BAD_REQUEST");
    }
    assert.deepEqual(asked, []);
  });

  it("I3: an answer of ours that is lost does not undo what the wallet has paid", async () => {
    const { deps, book } = world({ broadcast: async () => ({ ok: false, code: "OFFLINE", message: "" }) });
    assert.deepEqual(await topUp(deps, 1_000), { ok: true });
    assert.equal(book.read().history.length, 1);
  });

  it("I3: a transaction the network refuses is said", async () => {
    const { deps } = world({
      broadcast: async () => ({ ok: false, code: "NETWORK_REFUSED", message: "spent twice" }),
    });
    const outcome = await topUp(deps, 1_000);
    assert.ok(!outcome.ok && /spent twice/.test(outcome.message));
  });

  it("I3: a person who declines in the other wallet has paid nothing", async () => {
    const { deps, book, told } = world({
      payer: { pay: () => Promise.reject(new Error("User rejected")) },
    });
    await assert.rejects(topUp(deps, 1_000), /rejected/);
    assert.deepEqual([book.read().history, told], [[], []]);
  });
});
