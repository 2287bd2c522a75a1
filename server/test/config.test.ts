/** Settings and dangerous mixtures (O7). */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBase58Check } from "@meme-rounds/shared-schema/base58";
import { ConfigError, readConfig } from "../src/config.ts";
import { isLoopback, isPlainKey } from "../src/mixtures.ts";
import { openOperatorKeystore } from "../src/payment/keys.ts";
import { refuseAtBoot } from "../src/processes/boot-checks.ts";
import { operatorKeystore } from "../src/processes/keystores.ts";
import { startDevchain } from "../standins/devchain/server.ts";

type Env = Record<string, string>;

const DEVCHAIN: Env = { KEYSTORE_PASSPHRASE: "12345678" };
const MAIN: Env = {
  NODE_ENV: "production",
  NETWORK: "main",
  KEYSTORE_PASSPHRASE: "a long passphrase",
  ARC_URL: "https://arc.example.org",
  WOC_URL: "https://api.whatsonchain.example.org/v1/bsv/main",
};
const TEST: Env = { ...MAIN, NETWORK: "test", WOC_URL: "https://api.whatsonchain.example.org/v1/bsv/test" };

const secret = new Uint8Array(32).fill(7);
const wif = (version: number, compressed: boolean): string =>
  encodeBase58Check(Uint8Array.from([version, ...secret, ...(compressed ? [1] : [])]));
const extended = (version: number[]): string =>
  encodeBase58Check(Uint8Array.from([...version, ...new Array<number>(74).fill(3)]));
const HEX = "07".repeat(32);

function refusalOf(env: Env): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
}

describe("settings", () => {
  it("O7: the settings of a development start, of test and of main are taken", () => {
    const relay = { ...MAIN, SERVICES: "audience", AUDIENCE_TRANSPORT: "uws" };
    for (const env of [DEVCHAIN, TEST, MAIN, relay]) assert.deepEqual(refusalOf(env), []);
    assert.equal(readConfig(MAIN).WOC_URL, "https://api.whatsonchain.example.org");
    assert.deepEqual(refusalOf({ ...MAIN, NODE_ENV: "staging" }), []);
    assert.deepEqual(refusalOf({ ...DEVCHAIN, NODE_ENV: "staging" }), []);
  });

  it("O7: a setting with a slip is named with its help, all of them at once", () => {
    const lines = refusalOf({ PORT: "99999", ROUND_SECONDS: "5" });
    assert.equal(lines.length, 3);
    assert.ok(
      lines.some((line) => line.startsWith("ROUND_SECONDS: ") && line.endsWith("Round length, s (R3).")),
    );
    assert.ok(lines.some((line) => line.startsWith("KEYSTORE_PASSPHRASE: ")));
  });

  const mixtures: [what: string, env: Env, expected: RegExp][] = [
    [
      "a faucet on main",
      { ...MAIN, DEVCHAIN_URL: "https://faucet.example.org" },
      /^DEVCHAIN_URL is set on a real/,
    ],
    [
      "a faucet on test",
      { ...TEST, DEVCHAIN_URL: "https://faucet.example.org" },
      /^DEVCHAIN_URL is set on a real/,
    ],
    [
      "a devchain in production",
      { ...DEVCHAIN, NODE_ENV: "production", KEYSTORE_PASSPHRASE: MAIN.KEYSTORE_PASSPHRASE ?? "" },
      /^NETWORK=devchain with NODE_ENV=production/,
    ],
    ["main in development", { ...MAIN, NODE_ENV: "development" }, /^NETWORK=main with NODE_ENV=development/],
    ["main in testing", { ...MAIN, NODE_ENV: "testing" }, /^NETWORK=main with NODE_ENV=testing/],
    ["main over http", { ...MAIN, ARC_URL: "http://arc.example.org" }, /^ARC_URL is not https on main/],
    [
      "main's WhatsOnChain over http",
      { ...MAIN, WOC_URL: "http://woc.example.org" },
      /^WOC_URL is not https on main/,
    ],
    [
      "main on this machine",
      { ...MAIN, ARC_URL: "https://localhost:9090" },
      /^ARC_URL names this machine on main/,
    ],
    [
      "main on 127.0.0.1",
      { ...MAIN, WOC_URL: "http://127.3.0.1:9090" },
      /^WOC_URL names this machine on main/,
    ],
    ["main on ::1", { ...MAIN, ARC_URL: "https://[::1]:9090" }, /^ARC_URL names this machine on main/],
    [
      "test's chain on main",
      { ...MAIN, WOC_URL: TEST.WOC_URL ?? "" },
      /^WOC_URL names the network test, NETWORK is main/,
    ],
    [
      "main's chain on test",
      { ...TEST, WOC_URL: MAIN.WOC_URL ?? "" },
      /^WOC_URL names the network main, NETWORK is test/,
    ],
    [
      "a short passphrase on main",
      { ...MAIN, KEYSTORE_PASSPHRASE: "11character" },
      /^KEYSTORE_PASSPHRASE is shorter than 12/,
    ],
    [
      "a short passphrase in production",
      { ...TEST, KEYSTORE_PASSPHRASE: "11character" },
      /^KEYSTORE_PASSPHRASE is shorter than 12/,
    ],
    ["a WIF", { ...MAIN, ANYTHING: wif(0x80, true) }, /^ANYTHING holds a private key in plain text/],
    ["a WIF of the test network", { ...TEST, ANYTHING: wif(0xef, true) }, /^ANYTHING holds a private key/],
    ["hex under a key's name", { ...MAIN, OPERATOR_KEY: HEX }, /^OPERATOR_KEY holds a private key/],
    [
      "the auditor inside the game",
      { ...MAIN, SERVICES: "auth,auditor" },
      /^SERVICES runs the auditor inside/,
    ],
    [
      "uWebSockets in a game process (O8)",
      { ...DEVCHAIN, SERVICES: "round,audience", AUDIENCE_TRANSPORT: "uws" },
      /^AUDIENCE_TRANSPORT=uws in a process that is not a relay/,
    ],
    [
      "uWebSockets in a worker (O8)",
      { ...DEVCHAIN, SERVICES: "payment-worker", AUDIENCE_TRANSPORT: "uws" },
      /^AUDIENCE_TRANSPORT=uws in a process that is not a relay/,
    ],
    [
      "the auditor far away over http",
      { ...MAIN, AUDITOR_URL: "http://auditor.example.org" },
      /^AUDITOR_URL leaves this machine/,
    ],
    [
      "a public address over http in production (C8)",
      { ...MAIN, PUBLIC_URL: "http://memes.example.org" },
      /^PUBLIC_URL is not https: AITubo fetches/,
    ],
    [
      "a public address on this machine in production (C8)",
      { ...TEST, PUBLIC_URL: "https://localhost:2567" },
      /^PUBLIC_URL is an address of this machine: AITubo fetches/,
    ],
    [
      "the real AITubo with an address it cannot reach, in development too (C8)",
      { ...DEVCHAIN, AITUBO_API_KEY: "api-1", PUBLIC_URL: "http://127.0.0.1:2567" },
      /^PUBLIC_URL is not https: AITubo fetches/,
    ],
    [
      "AITubo's key in the clear (C3)",
      { ...DEVCHAIN, AITUBO_API_KEY: "api-1", AITUBO_URL: "http://api.aitubo.example" },
      /^AITUBO_URL is not https/,
    ],
  ];
  for (const [what, env, expected] of mixtures)
    it(`O7: refused with what to do: ${what}`, () => {
      const lines = refusalOf(env);
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", expected);
      assert.match(lines[0] ?? "", /\. [A-Z][^.]*/);
      for (const hidden of [HEX, wif(0x80, true), wif(0xef, true)]) assert.ok(!lines.join().includes(hidden));
    });

  it("O7: every node's address is looked at, also a second one and the auditor's own", () => {
    for (const name of ["ARC2_URL", "AUDITOR_ARC_URL", "AUDITOR_WOC_URL"])
      for (const url of ["http://node.example.org", "https://localhost:1"]) {
        const lines = refusalOf({ ...MAIN, [name]: url });
        assert.equal(lines.length, 1, lines.join("\n"));
        assert.ok(lines[0]?.startsWith(`${name} `));
      }
    const other = refusalOf({ ...MAIN, AUDITOR_WOC_URL: "https://woc.example.org/v1/bsv/test" });
    assert.match(other.join(), /^AUDITOR_WOC_URL names the network test/);
    const callback = {
      CALLBACK_TOKEN: "a token of some length",
      CALLBACK_URL: "http://example.org/api/chain/callback",
    };
    assert.match(refusalOf({ ...MAIN, ...callback }).join(), /^CALLBACK_URL is not https/);
    assert.deepEqual(refusalOf({ ...TEST, NODE_ENV: "staging", ...callback }), []);
  });

  it("C8: a stand-in of AITubo on this machine finds us here; without AITubo any address will do", () => {
    const here = { PUBLIC_URL: "http://127.0.0.1:2567" };
    const standIn = { AITUBO_API_KEY: "api-1", AITUBO_URL: "http://127.0.0.1:3012" };
    for (const NODE_ENV of ["development", "testing", "staging"]) {
      assert.deepEqual(refusalOf({ ...DEVCHAIN, NODE_ENV, ...here, ...standIn }), []);
      assert.deepEqual(refusalOf({ ...DEVCHAIN, NODE_ENV, ...here }), []);
    }
    assert.deepEqual(
      refusalOf({ ...MAIN, AITUBO_API_KEY: "api-1", PUBLIC_URL: "https://memes.example.org" }),
      [],
    );
  });

  it("C8: the key that signs pictures' addresses comes from the passphrase, and is another than the tokens'", () => {
    const [one, same, other] = ["12345678", "12345678", "12345679"].map((KEYSTORE_PASSPHRASE) =>
      readConfig({ KEYSTORE_PASSPHRASE }),
    );
    assert.equal(one?.MEDIA_SECRET, same?.MEDIA_SECRET);
    assert.notEqual(one?.MEDIA_SECRET, other?.MEDIA_SECRET);
    assert.notEqual(one?.MEDIA_SECRET, one?.JWT_SECRET);
    assert.match(one?.MEDIA_SECRET ?? "", /^[0-9a-f]{64}$/);
  });

  it("O7: without settings main refuses what the defaults would be", () => {
    const lines = refusalOf({ NETWORK: "main", KEYSTORE_PASSPHRASE: "12345678" });
    assert.deepEqual(
      lines.map((line) => line.split(" ")[0]),
      ["NETWORK=main", "ARC_URL", "WOC_URL", "KEYSTORE_PASSPHRASE"],
    );
  });

  it("O7: on the devchain nothing of that is refused, however it is mixed", () => {
    const env = { ...DEVCHAIN, OPERATOR_KEY: HEX, ANYTHING: wif(0x80, true), SERVICES: "auth,auditor" };
    assert.deepEqual(refusalOf({ ...env, DEVCHAIN_URL: "http://127.0.0.1:9090" }), []);
  });

  it("M7: a private key is known in every written form, other secrets are not taken for one", () => {
    const keys: [string, string][] = [
      ["X", wif(0x80, true)],
      ["X", wif(0x80, false)],
      ["X", ` ${wif(0xef, true)}\n`],
      ["X", wif(0xef, false)],
      ["X", extended([0x04, 0x88, 0xad, 0xe4])],
      ["X", extended([0x04, 0x35, 0x83, 0x94])],
      ["operator_wif", HEX.toUpperCase()],
      ["AUDITOR_SECRET", `0x${HEX}`],
    ];
    for (const [name, value] of keys) assert.equal(isPlainKey(name, value), true, `${name} ${value}`);
    const others: [string, string][] = [
      ["BUILD", HEX],
      ["ARC_API_KEY", HEX],
      ["ARC2_API_KEY", HEX],
      ["AUDITOR_ARC_API_KEY", HEX],
      ["JWT_SECRET", HEX],
      ["KEYSTORE_PASSPHRASE", HEX],
      ["OPERATOR_KEY", HEX.slice(2)],
      ["ADDRESS", encodeBase58Check(Uint8Array.from([0, ...secret.slice(0, 20)]))],
      ["XPUB", extended([0x04, 0x88, 0xb2, 0x1e])],
      ["X", `${wif(0x80, true)}1`],
      ["KEY", ""],
    ];
    for (const [name, value] of others) assert.equal(isPlainKey(name, value), false, `${name} ${value}`);
  });

  it("O7: this machine is known under each of its names", () => {
    for (const host of [
      "localhost",
      "a.localhost",
      "localhost.",
      "127.0.0.1",
      "127.9.9.9",
      "0.0.0.0",
      "[::1]",
      "[::]",
      "[::ffff:127.0.0.1]",
      "2130706433",
    ])
      assert.equal(isLoopback(`https://${host}:1`), true, host);
    for (const host of ["example.org", "10.0.0.1", "localhost.example.org", "[2001:db8::1]"])
      assert.equal(isLoopback(`https://${host}:1`), false, host);
  });
});

describe("what is asked at boot", () => {
  const warnings: unknown[] = [];
  const logger = { warn: (...args: unknown[]) => void warnings.push(args) };
  /** A node that answers by path; what is not named is refused as by a machine that is off. */
  const nodes =
    (answers: Record<string, () => Response>): typeof fetch =>
    async (input) => {
      const { pathname } = new URL(String(input));
      const answer = answers[pathname];
      if (!answer) throw new TypeError("fetch failed");
      return answer();
    };
  const info = (chain: string, blocks: number) => () => Response.json({ chain, blocks });
  const notFound = () => Response.json({ title: "Not found" }, { status: 404 });
  const check = async (env: Env, answers: Record<string, () => Response>): Promise<string> => {
    try {
      await refuseAtBoot(readConfig(env), { fetch: nodes(answers), logger });
      return "";
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
  };
  const real = { "/dev/faucet": notFound, "/v1/bsv/main/chain/info": info("main", 925_000) };

  it("O7: a real network's nodes are taken", async () => {
    assert.equal(await check(MAIN, real), "");
    assert.equal(
      await check(TEST, { "/dev/faucet": notFound, "/v1/bsv/test/chain/info": info("test", 1_700_000) }),
      "",
    );
  });

  it("O7: an open faucet, a chain of one's own and the other network are refused", async () => {
    const faucet = () => new Response("address: missing", { status: 400 });
    assert.match(await check(MAIN, { ...real, "/dev/faucet": faucet }), /^ARC_URL has an open faucet/);
    assert.match(await check(TEST, { "/dev/faucet": faucet }), /^ARC_URL has an open faucet/);
    const young = { ...real, "/v1/bsv/main/chain/info": info("main", 120) };
    assert.match(await check(MAIN, young), /^WOC_URL knows 120 blocks/);
    const other = { ...real, "/v1/bsv/main/chain/info": info("test", 1_700_000) };
    assert.match(await check(MAIN, other), /^WOC_URL answers for the network test, NETWORK is main/);
  });

  it("O7: our own devchain is recognised by both", async () => {
    const devchain = await startDevchain({ port: 0, blockSeconds: 0 });
    try {
      // Straight to the devchain, whatever host the settings name.
      const through: typeof fetch = (input) => {
        const { pathname } = new URL(String(input));
        return fetch(new URL(pathname, devchain.url));
      };
      await assert.rejects(refuseAtBoot(readConfig(MAIN), { fetch: through, logger }), (error: Error) => {
        assert.match(error.message, /^ARC_URL has an open faucet/m);
        assert.match(error.message, /^WOC_URL knows \d+ blocks/m);
        return true;
      });
    } finally {
      await devchain.close();
    }
  });

  it("O7: nodes that cannot be asked, or that answer nonsense, stop nobody; it is logged", async () => {
    warnings.length = 0;
    assert.equal(await check(MAIN, {}), "");
    assert.equal(warnings.length, 2);
    const otherRefusal = () => Response.json({ title: "Bad request" }, { status: 400 });
    assert.equal(await check(MAIN, { ...real, "/dev/faucet": otherRefusal }), "");
    const nonsense = () => new Response("<html>", { headers: { "content-type": "text/html" } });
    assert.equal(await check(MAIN, { "/dev/faucet": nonsense, "/v1/bsv/main/chain/info": nonsense }), "");
    assert.equal(await check(DEVCHAIN, {}), "");
    assert.equal(warnings.length, 2);
  });

  it("O7: the passphrase that a development start made up is refused where coins are real", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "meme-rounds-boot-"));
    try {
      await mkdir(join(dataDir, "keys"));
      await writeFile(join(dataDir, "keys", "passphrase"), `${HEX}\n`);
      const env = { ...MAIN, DATA_DIR: dataDir };
      assert.match(
        await check({ ...env, KEYSTORE_PASSPHRASE: HEX }, real),
        /^KEYSTORE_PASSPHRASE is the one that npm start made up/,
      );
      assert.equal(await check(env, real), "");
      assert.equal(await check({ ...DEVCHAIN, DATA_DIR: dataDir, KEYSTORE_PASSPHRASE: HEX }, {}), "");
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });

  it("O7, M7: a process given development keys in production ends with words, before it does anything", async function () {
    this.timeout(30_000);
    const dataDir = await mkdtemp(join(tmpdir(), "meme-rounds-boot-"));
    const passphrase = TEST.KEYSTORE_PASSPHRASE ?? "";
    try {
      const development = operatorKeystore(readConfig({ ...DEVCHAIN, DATA_DIR: dataDir }));
      assert.deepEqual([development.createIfAbsent, development.real], [true, false]);
      await openOperatorKeystore({ ...development, passphrase, scryptCost: 2 });
      for (const real of [MAIN, TEST]) {
        const options = operatorKeystore(readConfig({ ...real, DATA_DIR: dataDir }));
        assert.deepEqual(
          [options.createIfAbsent, options.real, options.path],
          [false, true, development.path],
        );
      }
      const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "../src/main.ts")], {
        encoding: "utf8",
        // Nobody listens there: nothing leaves this machine.
        env: {
          ...process.env,
          ...TEST,
          ARC_URL: "http://127.0.0.1:9",
          WOC_URL: "http://127.0.0.1:9",
          DATA_DIR: dataDir,
          SERVICES: "payment-worker",
          PORT: "0",
          LOG_LEVEL: "silent",
        },
      });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^The keys cannot be opened:\nThe keystore .* holds development keys\.\nMake keys of your own/,
      );
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
});
