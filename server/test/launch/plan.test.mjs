/** Which environment starts what: settings.mjs and plan.mjs, without starting anything. */
import assert from "node:assert/strict";
import { planProcesses } from "../../launch/plan.mjs";
import { readSettings, SettingsError } from "../../launch/settings.mjs";

const root = "/project";
const everything = [
  "redis",
  "devchain",
  "aitubo",
  "auditor",
  "payment-worker",
  "content-worker",
  "model-worker",
  "game",
];

/** @param {Record<string, string>} env */
function plan(env) {
  const settings = readSettings(env, { root });
  const ports = Object.fromEntries(settings.privatePorts.map((name, index) => [name, 20_001 + index]));
  const processes = planProcesses(settings, {
    root,
    node: "/node24",
    redisServer: "/redis-server",
    ports,
    passphrase: "words",
    env,
  });
  return {
    settings,
    names: processes.map(({ name }) => name),
    /** @param {string} name */
    of(name) {
      const found = processes.find((process) => process.name === name);
      assert.ok(found, `${name} is planned`);
      return found;
    },
  };
}

/** @param {Record<string, string>} env @param {RegExp} sentence */
function refused(env, sentence) {
  assert.throws(
    () => readSettings(env, { root }),
    (error) => error instanceof SettingsError && sentence.test(error.message),
  );
}

describe("what npm start starts", () => {
  it("with nothing set: Redis, stand-ins, auditor, workers, game, in this order, in development", () => {
    const { names, settings, of } = plan({});
    assert.deepEqual(names, everything);
    assert.equal(settings.dataDir, "/project/.data");
    const { env, port, args, ready } = of("game");
    assert.equal(port, 2567);
    assert.deepEqual(args, ["/project/server/src/main.ts"]);
    assert.deepEqual(ready, { kind: "http", url: "http://127.0.0.1:2567/healthz" });
    assert.deepEqual(env, {
      SERVICES: "auth,content,round,payment,audience",
      PORT: "2567",
      NODE_ENV: "development",
      DATA_DIR: "/project/.data",
      NETWORK: "devchain",
      DOMAIN: "localhost:2567",
      REDIS_URL: "redis://127.0.0.1:20001",
      WOC_URL: "http://127.0.0.1:20002/v1/bsv/main",
      ARC_URL: "http://127.0.0.1:20002",
      DEVCHAIN_URL: "http://127.0.0.1:20002",
      AITUBO_URL: "http://127.0.0.1:20003",
      AITUBO_API_KEY: "aitubo-stand-in",
      PUBLIC_URL: "http://127.0.0.1:2567",
      AUDITOR_URL: "http://127.0.0.1:20004",
      KEYSTORE_PASSPHRASE: "words",
      ROUND_SECONDS: "600",
      DRAIN_SECONDS: "0",
    });
  });

  it("M4 the auditor, and each worker, is a process of its own with a port of its own", () => {
    const { of } = plan({});
    assert.equal(of("auditor").env.SERVICES, "auditor");
    assert.equal(of("auditor").env.AUDITOR_PORT, "20004");
    assert.equal(of("payment-worker").env.SERVICES, "payment-worker");
    assert.equal(of("content-worker").env.SERVICES, "content-worker");
    assert.equal(of("model-worker").env.SERVICES, "model-worker");
    const ports = everything.map((name) => of(name).port);
    assert.equal(new Set(ports).size, everything.length);
  });

  it("O3 its Redis listens on this machine only and keeps every acknowledged write", () => {
    const { command, args } = plan({}).of("redis");
    assert.equal(command, "/redis-server");
    const text = args.join(" ");
    for (const option of [
      "--port 20001",
      "--bind 127.0.0.1",
      "--dir /project/.data/redis",
      "--appendonly yes",
      "--appendfsync always",
      "--maxmemory-policy noeviction",
    ]) {
      assert.ok(text.includes(option), option);
    }
  });

  it("REDIS_URL replaces its Redis", () => {
    const { names, of } = plan({ REDIS_URL: "redis://10.0.0.5:6379" });
    assert.deepEqual(
      names,
      everything.filter((name) => name !== "redis"),
    );
    assert.equal(of("game").env.REDIS_URL, "redis://10.0.0.5:6379");
  });

  it("WOC_URL and ARC_URL together replace the devchain", () => {
    const { names, of } = plan({
      WOC_URL: "http://127.0.0.1:3011/v1/bsv/main",
      ARC_URL: "http://127.0.0.1:3011",
    });
    assert.deepEqual(
      names,
      everything.filter((name) => name !== "devchain"),
    );
    assert.equal(of("game").env.WOC_URL, "http://127.0.0.1:3011/v1/bsv/main");
    assert.equal(of("game").env.NETWORK, "devchain");
    assert.equal(of("game").env.DEVCHAIN_URL, "http://127.0.0.1:3011");
  });

  it("one of the two alone is refused, and the sentence names the other", () => {
    refused({ WOC_URL: "http://127.0.0.1:1" }, /WOC_URL is set but ARC_URL is not/);
    refused({ ARC_URL: "http://127.0.0.1:1" }, /ARC_URL is set but WOC_URL is not/);
    refused({ ARC_URL: "http://127.0.0.1:1", WOC_URL: "  " }, /WOC_URL is not/);
  });

  it("M7 real coins need a passphrase from the environment", () => {
    const chain = { WOC_URL: "https://api.whatsonchain.com/v1/bsv/main", ARC_URL: "https://arc.taal.com" };
    refused(chain, /main network.*KEYSTORE_PASSPHRASE/);
    const { settings, of } = plan({ ...chain, KEYSTORE_PASSPHRASE: "long words" });
    assert.equal(settings.network, "main");
    assert.equal(settings.passphrase, "long words");
    assert.equal(of("game").env.DEVCHAIN_URL, undefined);
    refused({ ...chain, WOC_URL: "https://api.whatsonchain.com/v1/bsv/test" }, /test network/);
    refused({ ...chain, NETWORK: "test" }, /test network/);
    refused({ NETWORK: "main", KEYSTORE_PASSPHRASE: "long words" }, /WOC_URL and ARC_URL are not set/);
    refused({ NETWORK: "moon" }, /devchain, test or main/);
  });

  it("C8 AITUBO_API_KEY replaces the AITubo stand-in, and no public address is made up", () => {
    const { names, of } = plan({ AITUBO_API_KEY: "secret" });
    assert.deepEqual(
      names,
      everything.filter((name) => name !== "aitubo"),
    );
    const { env } = of("content-worker");
    assert.equal(env.AITUBO_API_KEY, "secret");
    assert.equal("AITUBO_URL" in env || "PUBLIC_URL" in env, false);
    assert.equal(
      plan({ AITUBO_API_KEY: "secret", PUBLIC_URL: "https://memes.example" }).of("game").env.PUBLIC_URL,
      "https://memes.example",
    );
    refused({ AITUBO_URL: "https://api.aitubo.ai" }, /AITUBO_API_KEY is not/);
  });

  it("O7 production starts no stand-ins", () => {
    refused({ NODE_ENV: "production" }, /production has no stand-ins/);
  });

  it("R3 ROUND_SECONDS goes to every service and is 20 at the least", () => {
    const { of } = plan({ ROUND_SECONDS: "60", PORT: "3000" });
    assert.equal(of("auditor").env.ROUND_SECONDS, "60");
    assert.equal(of("game").port, 3000);
    refused({ ROUND_SECONDS: "19" }, /ROUND_SECONDS is "19"/);
    refused({ ROUND_SECONDS: "1e3" }, /whole number/);
    refused({ PORT: "0" }, /PORT is "0"/);
    refused({ PORT: "65536" }, /PORT/);
  });

  it("R11 the game server gets the time to drain that it was promised", () => {
    const { of } = plan({ DRAIN_SECONDS: "660" });
    assert.equal(of("game").env.DRAIN_SECONDS, "660");
    assert.ok(of("game").stopMs > 660_000);
    assert.ok(of("auditor").stopMs < 60_000);
  });
});
