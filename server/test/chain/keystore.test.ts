/** Keystore files (M7). */
import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { pino } from "pino";
import {
  changeKeystore,
  createKeystore,
  generateKeys,
  openKeystore,
  withNewGeneration,
} from "../../src/chain/index.ts";

const PASSPHRASE = "correct horse battery staple";
const CHEAP = { scryptCost: 2 };

describe("keystore", () => {
  let dir: string;
  let path: string;
  const keys = generateKeys(["operator", "receipt"], { now: () => 1_000 });
  const secrets = Object.values(keys).flatMap((generations) => generations.map(({ secret }) => secret));
  const operatorSecret = keys.operator?.[0]?.secret ?? new Uint8Array();
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "keystore-"));
    path = join(dir, "operator.json");
    await createKeystore(path, PASSPHRASE, { keys, purpose: "real" }, CHEAP);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it("M7: gives back the keys, with their public keys, and no others", async () => {
    const keystore = await openKeystore(path, PASSPHRASE);
    assert.deepEqual(keystore.names(), ["operator", "receipt"]);
    assert.deepEqual(keystore.secretOf("operator"), operatorSecret);
    assert.deepEqual(keystore.secretOf("receipt"), keys.receipt?.[0]?.secret);
    assert.match(keystore.publicKeyOf("operator"), /^0[23][0-9a-f]{64}$/);
    assert.match(keystore.publicKeyOf("receipt"), /^[0-9a-f]{64}$/);
    assert.throws(() => keystore.secretOf("auditor"), { code: "KEYSTORE_KEY_MISSING" });
  });

  it("M7: the file is 0600, alone, without a secret in it, and is never replaced", async () => {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const text = await readFile(path, "utf8");
    assert.ok(!text.includes(toHex(operatorSecret)));
    await assert.rejects(createKeystore(path, "other", { keys, purpose: "real" }, CHEAP), {
      code: "KEYSTORE_EXISTS",
    });
    assert.equal(await readFile(path, "utf8"), text);
    assert.deepEqual(await readdir(dir), ["operator.json"]);
  });

  it("M7: a wrong passphrase is told from a damaged file", async () => {
    await assert.rejects(openKeystore(path, `${PASSPHRASE} `), { code: "KEYSTORE_PASSPHRASE_WRONG" });
    const text = await readFile(path, "utf8");
    await writeFile(path, text.slice(0, -20));
    await assert.rejects(openKeystore(path, PASSPHRASE), { code: "KEYSTORE_DAMAGED" });
    await rm(path);
    await assert.rejects(openKeystore(path, PASSPHRASE), { code: "KEYSTORE_ABSENT" });
  });

  it("M7: every field is protected, also against who mends the checksum", async () => {
    const { checksum, ...sealed } = JSON.parse(await readFile(path, "utf8"));
    assert.equal(checksum, hashJson(sealed));
    const flip = (hex: string): string => (hex.startsWith("0") ? "1" : "0") + hex.slice(1);
    const expected: Record<string, string> = {
      iv: "KEYSTORE_PASSPHRASE_WRONG",
      check: "KEYSTORE_PASSPHRASE_WRONG",
      tag: "KEYSTORE_DAMAGED",
      data: "KEYSTORE_DAMAGED",
    };
    for (const [field, code] of Object.entries(expected)) {
      const forged = { ...sealed, [field]: flip(sealed[field]) };
      await writeFile(path, JSON.stringify({ ...forged, checksum }));
      await assert.rejects(openKeystore(path, PASSPHRASE), { code: "KEYSTORE_DAMAGED" }, field);
      await writeFile(path, JSON.stringify({ ...forged, checksum: hashJson(forged) }));
      await assert.rejects(openKeystore(path, PASSPHRASE), { code }, field);
    }
    const greedy = { ...sealed, kdf: { ...sealed.kdf, n: 2 ** 30 } };
    await writeFile(path, JSON.stringify({ ...greedy, checksum: hashJson(greedy) }));
    await assert.rejects(openKeystore(path, PASSPHRASE), { code: "KEYSTORE_DAMAGED" });
  });

  it("M7: no way of printing shows a secret", async () => {
    const keystore = await openKeystore(path, PASSPHRASE);
    let logged = "";
    const write = (line: string) => {
      logged += line;
    };
    pino({}, { write }).info({ keystore }, "opened");
    const shown = [
      logged,
      inspect(keystore, { depth: 9, showHidden: true }),
      JSON.stringify({ keystore }),
      String(keystore),
    ];
    for (const text of shown) {
      for (const secret of secrets) {
        assert.ok(!text.includes(toHex(secret)));
        assert.ok(!text.includes(secret.join(",")));
      }
    }
    assert.match(inspect(keystore), /^Keystore\(operator, receipt\)$/);
  });

  it("M7: refuses keys that their curve does not take, and an empty passphrase", async () => {
    const other = join(dir, "other.json");
    const bad = [
      { auditor: [{ secret: new Uint8Array(32) }] },
      { receipt: [{ secret: new Uint8Array(31) }] },
      { receipt: [] },
    ];
    for (const one of bad) {
      const contents = { keys: one, purpose: "real" as const };
      await assert.rejects(createKeystore(other, PASSPHRASE, contents, CHEAP), RangeError);
    }
    await assert.rejects(createKeystore(other, "", { keys, purpose: "real" }, CHEAP), RangeError);
    assert.deepEqual(await readdir(dir), ["operator.json"]);
  });

  it("M7: the default cost works within the memory limit of scrypt", async () => {
    const other = join(dir, "auditor.json");
    const contents = { keys: generateKeys(["auditor", "auditorHead"]), purpose: "real" as const };
    await createKeystore(other, PASSPHRASE, contents);
    assert.deepEqual((await openKeystore(other, PASSPHRASE)).names(), ["auditor", "auditorHead"]);
  });

  it("M7: a file of version 1 is read, as development keys of unknown age", async () => {
    const old = join(dir, "v1.json");
    await writeFile(old, VERSION_1);
    const keystore = await openKeystore(old, PASSPHRASE);
    assert.deepEqual(keystore.secretOf("operator"), new Uint8Array(32).fill(7));
    assert.deepEqual(keystore.secretOf("receipt"), new Uint8Array(32).fill(8));
    assert.equal(keystore.purpose, "development");
    assert.deepEqual(keystore.generations("receipt"), [
      { publicKey: "1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca", current: true },
    ]);
    // Another version cannot be claimed for it: the version is authenticated.
    const { checksum: _, ...sealed } = JSON.parse(VERSION_1);
    const forged = { ...sealed, v: 2 };
    await writeFile(old, JSON.stringify({ ...forged, checksum: hashJson(forged) }));
    await assert.rejects(openKeystore(old, PASSPHRASE), { code: "KEYSTORE_PASSPHRASE_WRONG" });
  });

  describe("with generations", () => {
    const rotate = (name: "operator" | "receipt" | "auditor", now = 2_000) =>
      changeKeystore(
        path,
        PASSPHRASE,
        { keys: (old) => withNewGeneration(old, name, { now: () => now }) },
        { ...CHEAP, now: () => now },
      );

    it("M7: after a rotation the new key is current, and the old one's secret is still found", async () => {
      const before = await openKeystore(path, PASSPHRASE);
      await rotate("operator");
      const { keystore } = await rotate("operator", 3_000);
      const after = await openKeystore(path, PASSPHRASE);
      assert.deepEqual(after.generations("operator"), keystore.generations("operator"));
      const [first, second, third] = after.generations("operator");
      assert.deepEqual(
        [
          first?.createdAt,
          second?.createdAt,
          third?.createdAt,
          first?.current,
          second?.current,
          third?.current,
        ],
        [1_000, 2_000, 3_000, false, false, true],
      );
      assert.equal(after.publicKeyOf("operator"), third?.publicKey);
      assert.equal(first?.publicKey, before.publicKeyOf("operator"));
      assert.deepEqual(after.secretFor(before.publicKeyOf("operator")), operatorSecret);
      assert.deepEqual(after.secretFor(third?.publicKey ?? ""), after.secretOf("operator"));
      assert.notDeepEqual(after.secretOf("operator"), operatorSecret);
      assert.equal(after.publicKeyOf("receipt"), before.publicKeyOf("receipt"));
      assert.equal(after.purpose, "real");
      assert.throws(() => before.secretFor(third?.publicKey ?? ""), { code: "KEYSTORE_KEY_MISSING" });
    });

    it("M7: what is handed out is a copy: nobody can change the keystore's own", async () => {
      const keystore = await openKeystore(path, PASSPHRASE);
      keystore.secretOf("operator").fill(0);
      keystore.secretFor(keystore.publicKeyOf("operator")).fill(0);
      for (const generation of Object.values(keystore.ring()).flat()) generation.secret.fill(0);
      for (const generation of keystore.generations("operator")) generation.publicKey = "00";
      assert.deepEqual(keystore.secretOf("operator"), operatorSecret);
      assert.match(keystore.publicKeyOf("operator"), /^0[23]/);
    });

    it("M7: the file before a change stays beside it, both 0600", async () => {
      const was = await readFile(path, "utf8");
      const { backup } = await rotate("receipt", 1_700_000_000_000);
      assert.equal(backup, `${path}.2023-11-14T221320.000Z.bak`);
      assert.equal(await readFile(backup, "utf8"), was);
      assert.deepEqual((await readdir(dir)).sort(), [
        "operator.json",
        "operator.json.2023-11-14T221320.000Z.bak",
      ]);
      for (const file of [path, backup]) assert.equal((await stat(file)).mode & 0o777, 0o600);
    });

    it("M7: a changed passphrase opens the same keys, the old one nothing", async () => {
      const before = await openKeystore(path, PASSPHRASE);
      await changeKeystore(path, PASSPHRASE, { passphrase: "another passphrase" }, CHEAP);
      await assert.rejects(openKeystore(path, PASSPHRASE), { code: "KEYSTORE_PASSPHRASE_WRONG" });
      const after = await openKeystore(path, "another passphrase");
      assert.deepEqual(after.ring(), before.ring());
    });

    it("M7: whatever stops a change, the file is as it was", async () => {
      const was = await readFile(path, "utf8");
      const unchanged = async (attempt: Promise<unknown>, expected: object) => {
        await assert.rejects(attempt, expected);
        assert.equal(await readFile(path, "utf8"), was);
      };
      await unchanged(changeKeystore(path, "wrong", {}, CHEAP), { code: "KEYSTORE_PASSPHRASE_WRONG" });
      await unchanged(rotate("auditor"), { code: "KEYSTORE_KEY_MISSING" });
      await unchanged(changeKeystore(path, PASSPHRASE, { passphrase: "" }, CHEAP), RangeError);
      assert.deepEqual(await readdir(dir), ["operator.json"]);
      // A change that was cut short by a crash, or runs now.
      await writeFile(`${path}.new`, "");
      await unchanged(rotate("operator"), { code: "KEYSTORE_BUSY" });
      assert.deepEqual((await readdir(dir)).sort(), ["operator.json", "operator.json.new"]);
      await assert.rejects(changeKeystore(join(dir, "none.json"), PASSPHRASE, {}, CHEAP), {
        code: "KEYSTORE_ABSENT",
      });
      await assert.rejects(changeKeystore(join(dir, "none", "none.json"), PASSPHRASE, {}, CHEAP), {
        code: "KEYSTORE_ABSENT",
      });
    });

    it("M7: of two changes at once none loses the other's key", async () => {
      const results = await Promise.allSettled([rotate("operator"), rotate("receipt", 2_001)]);
      const done = results.filter(({ status }) => status === "fulfilled").length;
      const after = await openKeystore(path, PASSPHRASE);
      const made = after.generations("operator").length + after.generations("receipt").length - 2;
      assert.ok(done >= 1);
      assert.equal(made, done);
    });
  });

  describe("where real coins are guarded", () => {
    it("O7: a file that others can read is refused, with the chmod to do", async () => {
      for (const mode of [0o640, 0o604, 0o620, 0o644]) {
        await chmod(path, mode);
        await assert.rejects(
          openKeystore(path, PASSPHRASE, { real: true }),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, "KEYSTORE_EXPOSED", mode.toString(8));
            assert.ok(error.message.endsWith(`chmod 600 ${path}`));
            return true;
          },
        );
        await openKeystore(path, PASSPHRASE);
      }
      await chmod(path, 0o400);
      await openKeystore(path, PASSPHRASE, { real: true });
    });

    it("O7: development keys are refused, also after a rotation", async () => {
      const other = join(dir, "development.json");
      await createKeystore(other, PASSPHRASE, { keys, purpose: "development" }, CHEAP);
      await changeKeystore(other, PASSPHRASE, { keys: (old) => withNewGeneration(old, "operator") }, CHEAP);
      await assert.rejects(openKeystore(other, PASSPHRASE, { real: true }), { code: "KEYSTORE_DEVELOPMENT" });
      assert.equal((await openKeystore(other, PASSPHRASE)).purpose, "development");
    });
  });
});

/** Written by the code before version 2: operator 32 x 07, receipt 32 x 08. */
const VERSION_1 = JSON.stringify({
  v: 1,
  kdf: {
    name: "scrypt",
    n: 2,
    r: 8,
    p: 1,
    salt: "a7e822f915df5c498bb198d50f9d5fa5d1a24ef6399030711393d2c906b2b9ee",
  },
  cipher: "aes-256-gcm",
  iv: "4ffdf90a535c752a0abcda72",
  check: "43eb8f2688959d087541cf5c95d6464060df900f66170031f9a39be6e52bae15",
  tag: "a0befcac54cb5a8904e398e9ef820423",
  data:
    "e329de1f84cd023ee6b75a4e64883bf3cc33f551c1b0e1ecd56124fab8bf58290c26d045d9fe61dca8cf91235bbd71d62e83b465839e" +
    "9c76242550eead536d0db63c134908569950a4f9416653e06fd5ea8c68bdce156b794b8968fc7eac32d231454f03fa0a7d05d24362b8" +
    "a10586f03a8ec762ac7186bc96ff2d3546195c1c0a903ee2580b28899b6f692aa37664fc9e5d6cb0e8b85b33f28ba7c8",
  checksum: "993989c6be40d31609cf17250d5a36eec89597018da42b547fc89bea29acc5d2",
});
