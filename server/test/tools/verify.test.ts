/** `npm run verify` (M10): a real round with real deposits, ledger and settlement, read from a devchain alone. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { createDigestSigner } from "../../src/infra/ecdsa.ts";
import { createLedger } from "../../src/payment/ledger/index.ts";
import { readJournal } from "../../src/round/journal-store.ts";
import { runVerify } from "../../src/tools/verify.ts";
import { World } from "../payment/world.ts";

describe("npm run verify", function () {
  this.timeout(60_000);
  let world: World;
  let said: string;
  const rounds: { roundId: string; linkTxid: string; settlement: string[] }[] = [];

  const ledger = () => {
    const { operatorKey } = world.payment.keys();
    const key = { secret: world.operatorSecret, sign: createDigestSigner() };
    return createLedger(
      { network: "devchain" },
      {
        redis: world.redis,
        chain: world.net.port,
        wallet: world.wallet(),
        keys: {
          current: () => operatorKey,
          forKey: () => key,
          forScript: (script) => {
            assert.equal(script, p2pkhScript(operatorKey));
            return key;
          },
        },
        readJournal: (roundId) => readJournal(world.redis, roundId),
        readMedia: async () => undefined,
        logger: world.logger,
        now: () => world.now,
      },
    );
  };
  before(async () => {
    world = await World.start();
    await world.fill(20);
    for (const slot of [1, 2]) {
      const { roundId } = world.round(slot).open;
      const carryFrom = await world.payment.claimCarry("main", roundId);
      assert.equal(carryFrom.length, slot - 1);
      await world.play({ slot, players: 5, memes: 3, carryFrom });
      const anchored = await ledger().anchor(roundId);
      assert.ok(anchored);
      await world.settler().settle(roundId);
      await world.mine();
      await world.keeper().lookAfter(roundId);
      const view = await world.payment.settlementOf(roundId);
      rounds.push({ roundId, linkTxid: anchored.linkTxid, settlement: view?.txids ?? [] });
    }
  });
  after(() => world.stop());

  const run = async (...args: string[]): Promise<number> => {
    said = "";
    return await runVerify(args, {
      say: (line) => {
        said += `${line}\n`;
      },
      progress: () => undefined,
      colour: false,
      clock: Date.now,
      sleep: () => Promise.resolve(),
    });
  };
  const alone = (target: string, ...more: string[]) =>
    run(target, "--no-server", "--woc", world.net.url, ...more);

  it("M10: from the link's txid alone, all rows are green, with numbers", async () => {
    const { linkTxid, roundId } = rounds[0] ?? { linkTxid: "", roundId: "" };
    assert.equal(await alone(linkTxid), 0, said);
    assert.ok(said.includes(`Round ${roundId} on devchain`));
    assert.match(said, /✔ The round stands in the ledger +link 1 · followed 1 · block \d+/);
    assert.match(said, /✔ Every deposit is real +deposits 5 · sat 50,000/);
    assert.match(said, /✔ The blockchain paid exactly that +transactions 1 · players 5/);
    assert.match(said, /– Your own receipts are honoured/);
    assert.match(said, /Everything that can be checked is right\./);
    assert.ok(!said.includes("✘"));
  });

  it("M10: the roundId and the operator's key, or where the ledger begins, are enough", async () => {
    const { roundId } = rounds[1] ?? { roundId: "" };
    assert.equal(await alone(roundId, "--operator", world.payment.keys().operatorKey), 0, said);
    const [, genesis = ""] = /back to its beginning, ([0-9a-f]{64}:0)/.exec(said) ?? [];
    assert.equal(await alone(roundId, "--ledger", genesis), 0, said);
    assert.match(said, /link 2 · followed 2/);
    assert.equal(await alone(roundId, "--ledger", `${rounds[1]?.linkTxid}:0`), 2);
    assert.match(said, /✘ The round stands in the ledger\n +the ledger has no link for this round/);
  });

  it("M10: a server is asked for hints; what it says wrong changes nothing", async () => {
    const [first, second] = rounds;
    const answers = new Map<string, unknown>([
      ["/api/network", { network: "devchain", wocUrl: world.net.url }],
      [
        `/api/rounds/${first?.roundId}/proof`,
        { link: { txid: first?.linkTxid }, settlement: second?.settlement },
      ],
      [`/api/rounds/${second?.roundId}/proof`, { link: { txid: first?.linkTxid } }],
    ]);
    const server: Server = createServer((request, response) => {
      const answer = answers.get(request.url ?? "");
      response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      assert.equal(await run(first?.roundId ?? "", "--server", url), 0, said);
      assert.equal(await run(second?.roundId ?? "", "--server", url), 2);
      assert.match(said, /the link is of the round main-/);
    } finally {
      server.close();
    }
  });

  it("M10: a chain API that gives other bytes than the txid's is not believed", async () => {
    const { linkTxid, settlement } = rounds[0] ?? { linkTxid: "", settlement: [] };
    const lying: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (!String(input).endsWith(`/tx/${settlement[0]}/hex`)) return answer;
      const raw = await answer.text();
      return new Response(raw.replace(/.{2}$/, "01"));
    };
    const code = await runVerify([linkTxid, "--no-server", "--woc", world.net.url, "--json"], {
      say: (line) => {
        said = line;
      },
      progress: () => undefined,
      colour: false,
      clock: Date.now,
      fetch: lying,
    });
    assert.equal(code, 3);
    const { verdict, checks } = JSON.parse(said) as {
      verdict: string;
      checks: { id: string; ok: unknown; reason?: string }[];
    };
    assert.equal(verdict, "incomplete");
    const open = checks.filter(({ id, ok }) => ok === "skipped" && id !== "heads" && id !== "receipts");
    assert.deepEqual(
      open.map(({ id }) => id),
      ["outputs"],
    );
  });

  it("M10: a chain API that is away, or says nonsense, is told so", async () => {
    const { linkTxid } = rounds[0] ?? { linkTxid: "" };
    assert.equal(await run(linkTxid, "--no-server", "--woc", "http://127.0.0.1:9"), 3);
    assert.match(said, /did not answer.*--woc/);
    const nonsense: typeof fetch = async (input, init) =>
      String(input).includes("/proof/tsc") ? new Response("{}") : fetch(input, init);
    const deps = {
      say: (line: string) => {
        said = line;
      },
      progress: () => undefined,
      colour: false,
      clock: Date.now,
    };
    assert.equal(
      await runVerify([linkTxid, "--no-server", "--woc", world.net.url], { ...deps, fetch: nonsense }),
      3,
    );
    assert.match(said, /the chain API's answer to .* is not what it should be/);
  });

  it("M10: bad input is told in a sentence", async () => {
    for (const [args, words] of [
      [[], /npm run verify -- <roundId/],
      [["hello world"], /neither a roundId .* nor a txid/],
      [["main-1", "--network", "moon"], /there is devchain, test and main/],
      [["main-1", "--ledger", "x"], /this is no outpoint/],
      [["main-1", "--operator", "04"], /no compressed public key/],
      [["main-1", "--depth=-1"], /a whole number/],
      [["main-1", "--fast"], /npm run verify -- <roundId/],
      [["main-1", "--woc", "x"], /not a web address/],
    ] as const) {
      assert.equal(await run(...args, ...(args.length === 0 ? [] : ["--no-server"])), 1, said);
      assert.match(said, words);
    }
  });
});
