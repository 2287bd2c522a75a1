/** Keystore files (M7). */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { pino } from "pino";
import { createKeystore, generateKeys, openKeystore } from "../../src/chain/index.ts";

const PASSPHRASE = "correct horse battery staple";
const CHEAP = { scryptCost: 2 };

describe("keystore", () => {
  let dir: string;
  let path: string;
  const secrets = generateKeys(["operator", "receipt"]);
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "keystore-"));
    path = join(dir, "operator.json");
    await createKeystore(path, PASSPHRASE, secrets, CHEAP);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it("M7: gives back the keys, with their public keys, and no others", async () => {
    const keystore = await openKeystore(path, PASSPHRASE);
    assert.deepEqual(keystore.names(), ["operator", "receipt"]);
    assert.deepEqual(keystore.secretOf("operator"), secrets.operator);
    assert.deepEqual(keystore.secretOf("receipt"), secrets.receipt);
    assert.match(keystore.publicKeyOf("operator"), /^0[23][0-9a-f]{64}$/);
    assert.match(keystore.publicKeyOf("receipt"), /^[0-9a-f]{64}$/);
    assert.throws(() => keystore.secretOf("auditor"), { code: "KEYSTORE_KEY_MISSING" });
  });

  it("M7: the file is 0600, alone, without a secret in it, and is never replaced", async () => {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const text = await readFile(path, "utf8");
    assert.ok(!text.includes(toHex(secrets.operator ?? new Uint8Array())));
    await assert.rejects(createKeystore(path, "other", generateKeys(["auditor"]), CHEAP), {
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
    await assert.rejects(openKeystore(path, PASSPHRASE), { code: "ENOENT" });
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
      for (const secret of Object.values(secrets)) {
        assert.ok(!text.includes(toHex(secret)));
        assert.ok(!text.includes(secret.join(",")));
      }
    }
    assert.match(inspect(keystore), /^Keystore\(operator, receipt\)$/);
  });

  it("M7: refuses keys that their curve does not take, and an empty passphrase", async () => {
    const other = join(dir, "other.json");
    const zero = { auditor: new Uint8Array(32) };
    await assert.rejects(createKeystore(other, PASSPHRASE, zero, CHEAP), RangeError);
    await assert.rejects(
      createKeystore(other, PASSPHRASE, { receipt: new Uint8Array(31) }, CHEAP),
      RangeError,
    );
    await assert.rejects(createKeystore(other, "", secrets, CHEAP), RangeError);
  });

  it("M7: the default cost works within the memory limit of scrypt", async () => {
    const other = join(dir, "auditor.json");
    await createKeystore(other, PASSPHRASE, generateKeys(["auditor", "auditorHead"]));
    assert.deepEqual((await openKeystore(other, PASSPHRASE)).names(), ["auditor", "auditorHead"]);
  });
});
