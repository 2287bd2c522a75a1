/** `npm run keys` (M7). */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { openKeystore } from "../../src/chain/index.ts";
import { keystorePath } from "../../src/payment/keys.ts";
import { runKeys } from "../../src/tools/keys.ts";

const PASSPHRASE = "correct horse battery staple";

describe("npm run keys", () => {
  let dir: string;
  let said: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "keys-"));
    said = "";
  });
  afterEach(() => rm(dir, { recursive: true }));

  const env = (more: Record<string, string> = {}) => ({
    DATA_DIR: dir,
    KEYSTORE_PASSPHRASE: PASSPHRASE,
    ...more,
  });
  let clock = 1_700_000_000_000;
  const keys = async (command: string, more: Record<string, string> = {}): Promise<number> => {
    said = "";
    const now = () => (clock += 1_000);
    const say = (line: string) => {
      said += `${line}\n`;
    };
    return await runKeys(command.split(" ").filter(Boolean), env(more), { say, now, scryptCost: 2 });
  };
  const open = (owner: "operator" | "auditor", passphrase = PASSPHRASE) =>
    openKeystore(keystorePath(dir, owner), passphrase, { real: true });

  it("M7: make writes real keys into a file of its own for each owner, and shows the public part", async () => {
    assert.equal(await keys("make operator"), 0);
    const operator = await open("operator");
    assert.deepEqual(operator.names(), ["operator", "receipt"]);
    assert.equal((await stat(join(dir, "operator"))).mode & 0o777, 0o700);
    assert.ok(said.includes(operator.publicKeyOf("operator")));
    assert.equal(await keys("make auditor"), 0);
    assert.deepEqual((await open("auditor")).names(), ["auditor", "auditorHead"]);
  });

  it("M7: make never replaces a keystore", async () => {
    await keys("make operator");
    const was = await readFile(keystorePath(dir, "operator"), "utf8");
    assert.equal(await keys("make operator"), 1);
    assert.match(said, /There is a keystore file already/);
    assert.equal(await readFile(keystorePath(dir, "operator"), "utf8"), was);
  });

  it("M7: show names keys, addresses of the network, fingerprints and when they were made", async () => {
    await keys("make operator");
    await keys("make auditor");
    const publicKey = (await open("operator")).publicKeyOf("operator");
    assert.equal(await keys("show"), 0);
    assert.match(said, /^operator: .*keystore\.json \(real keys\)$/m);
    assert.match(said, /^ {2}auditorHead 1 \(current\)$/m);
    assert.match(said, /^ {4}fingerprint {2}[0-9a-f]{4} [0-9a-f]{4}$/m);
    assert.match(said, /^ {4}made {9}2023-11-14T22:\d\d:\d\d\.000Z$/m);
    assert.ok(said.includes(addressOf(publicKey, "devchain")));
    assert.equal(await keys("show operator", { NETWORK: "test" }), 0);
    const testAddress = addressOf(publicKey, "test");
    assert.match(testAddress, /^[mn]/);
    assert.ok(said.includes(`${testAddress} (test)`));
    assert.ok(!said.includes("auditor"));
    assert.equal(await keys("show operator", { NETWORK: "main" }), 0);
    assert.match(said, /address {6}1\w+ \(main\)/);
  });

  it("M7: rotate adds a generation, keeps the one before and a copy of the file", async () => {
    await keys("make operator");
    const before = await open("operator");
    assert.equal(await keys("rotate operator"), 0);
    assert.match(said, /^ {2}operator 1 \(settles older rounds\)$/m);
    assert.match(said, /^ {2}operator 2 \(current\)$/m);
    assert.match(said, /Restart the payment workers first, then the game/);
    const after = await open("operator");
    const old = before.publicKeyOf("operator");
    assert.notEqual(after.publicKeyOf("operator"), old);
    assert.deepEqual(after.secretFor(old), before.secretOf("operator"));
    assert.equal(after.publicKeyOf("receipt"), before.publicKeyOf("receipt"));
    assert.equal((await readdir(join(dir, "operator"))).filter((name) => name.endsWith(".bak")).length, 1);
    await keys("make auditor");
    assert.equal(await keys("rotate auditorHead"), 0);
    assert.match(said, /Restart the auditor first/);
    assert.equal((await open("auditor")).generations("auditorHead").length, 2);
  });

  it("M7: passphrase changes what opens the file, to a strong one only", async () => {
    await keys("make auditor");
    const next = { KEYSTORE_PASSPHRASE_NEW: "a passphrase that is new" };
    assert.equal(await keys("passphrase auditor", next), 0);
    assert.ok(await open("auditor", next.KEYSTORE_PASSPHRASE_NEW));
    await assert.rejects(open("auditor"), { code: "KEYSTORE_PASSPHRASE_WRONG" });
    const now = { KEYSTORE_PASSPHRASE: next.KEYSTORE_PASSPHRASE_NEW };
    for (const bad of ["", "11character", next.KEYSTORE_PASSPHRASE_NEW]) {
      assert.equal(await keys("passphrase auditor", { ...now, KEYSTORE_PASSPHRASE_NEW: bad }), 1);
      assert.match(said, /KEYSTORE_PASSPHRASE_NEW is /);
    }
  });

  it("M7: every failure has its own words and leaves nothing behind", async () => {
    await keys("make operator");
    const cases: [command: string, more: Record<string, string>, words: RegExp][] = [
      ["", {}, /npm run keys -- <command>/],
      ["make", {}, /npm run keys -- <command>/],
      ["make everything", {}, /npm run keys -- <command>/],
      ["rotate", {}, /Which key\?/],
      ["rotate player", {}, /Which key\?/],
      ["show operator passphrase", {}, /npm run keys -- <command>/],
      ["show operator", { KEYSTORE_PASSPHRASE: "" }, /^KEYSTORE_PASSPHRASE: it is not set/],
      ["show operator", { KEYSTORE_PASSPHRASE: "another" }, /passphrase is wrong/],
      ["rotate operator", { KEYSTORE_PASSPHRASE: "another" }, /passphrase is wrong/],
      ["show auditor", {}, /There is no keystore at .*\nMake one with npm run keys/],
      ["rotate auditor", {}, /There is no keystore at/],
      ["make auditor", { KEYSTORE_PASSPHRASE: "11character" }, /shorter than 12/],
      ["show operator", { NETWORK: "moon" }, /^NETWORK: /],
    ];
    for (const [command, more, words] of cases) {
      assert.equal(await keys(command, more), 1, command);
      assert.match(said, words, command);
    }
    assert.deepEqual(await readdir(join(dir, "operator")), ["keystore.json"]);
    await writeFile(keystorePath(dir, "operator"), "{}");
    assert.equal(await keys("show operator"), 1);
    assert.match(said, /is damaged: it does not have a keystore's shape/);
  });

  it("M7: as a program it says the same and exits so", async () => {
    const program = join(import.meta.dirname, "../../src/tools/keys.ts");
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [program, ...args], {
        env: { ...process.env, ...env() },
        encoding: "utf8",
      });
    const made = run("make", "operator");
    assert.deepEqual([made.status, made.stderr], [0, ""]);
    assert.match(made.stdout, /^Made .*keystore\.json\. Copy it to a safe place/);
    const again = run("make", "operator");
    assert.deepEqual([again.status, again.stderr], [1, ""]);
  });

  it("M7: no command says a secret or the passphrase", async () => {
    let all = "";
    for (const command of ["make operator", "rotate operator", "rotate receipt", "show operator"]) {
      await keys(command);
      all += said;
    }
    await keys("passphrase operator", { KEYSTORE_PASSPHRASE_NEW: "a passphrase that is new" });
    all += said;
    const keystore = await open("operator", "a passphrase that is new");
    for (const { secret } of Object.values(keystore.ring()).flat()) assert.ok(!all.includes(toHex(secret)));
    for (const passphrase of [PASSPHRASE, "a passphrase that is new"]) assert.ok(!all.includes(passphrase));
  });
});
