/** M6: signed records on chain: their bytes, who signed, and that nothing else passes for one. */
import { strict as assert } from "node:assert";
import { BSM, PublicKey, Signature } from "@bsv/sdk";
import { concat, toHex } from "@meme-rounds/shared-schema/bytes";
import { bytesText, dataScript, readDataScript, textBytes } from "@meme-rounds/shared-schema/chain-data";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { sha256, sha256Hex } from "@meme-rounds/shared-schema/hash";
import { readRecord, recordScript } from "@meme-rounds/shared-schema/map-record";
import {
  type ChainRecord,
  chainRecordScript,
  readChainRecord,
} from "@meme-rounds/shared-schema/map-record-kinds";

const secret = new Uint8Array(32).fill(7);
const playKey = publicKeyOf(secret);
const by = { secret, network: "devchain" } as const;
const signer = addressOf(playKey, "devchain");
const picture = textBytes("not really a WebP");
const memeId = sha256Hex(picture);
const roundId = "main-1800000000";
const file = { data: picture, mime: "image/webp" };
const hash = (text: string): string => toHex(sha256(textBytes(text)));

const RECORDS: ChainRecord[] = [
  {
    type: "keys",
    at: 1_800_000_000_000,
    fields: {
      network: "devchain",
      operatorKey: playKey,
      auditorKey: playKey,
      auditorHeadKey: hash("head"),
      receiptKey: hash("receipt"),
    },
  },
  {
    type: "profile",
    at: 1_800_000_000_001,
    fields: { playKey, identity: `ecdsa-secp256k1:${playKey}`, name: "Ænn | é", avatar: hash("face") },
  },
  { type: "profile", at: 5, fields: { playKey, identity: `ecdsa-secp256k1:${playKey}`, name: "" } },
  {
    type: "meme",
    at: 6,
    fields: { memeId, roundId, title: "A cat", mime: "image/webp", creator: playKey },
    file,
  },
  { type: "meme", at: 7, fields: { memeId, roundId, title: "No one's", mime: "image/webp" }, file },
  {
    type: "model",
    at: 8,
    fields: {
      memeId,
      roundId,
      provider: "local",
      glb: hash("glb"),
      poster: hash("poster"),
      turntable: hash("turn"),
    },
  },
  {
    type: "media",
    at: 9,
    fields: { memeId, roundId, role: "glb" },
    file: { ...file, mime: "model/gltf-binary" },
  },
];
const [, profile] = RECORDS;
const fieldsOf = (script: string): Uint8Array[] => readDataScript(script) ?? [];

describe("chain records", () => {
  for (const [at, record] of RECORDS.entries())
    it(`M6 a ${record.type} (${at}) reads back, with who signed it`, () => {
      const script = chainRecordScript(record, by);
      assert.deepEqual(readChainRecord(script, "devchain"), { record, signer });
      assert.equal(chainRecordScript(record, by), script);
    });

  it("M6 the layout is B | MAP | AIP, and the SDK agrees on the signature", () => {
    const [record] = RECORDS.filter(({ type }) => type === "meme");
    assert.ok(record);
    const fields = fieldsOf(chainRecordScript(record, by));
    const texts = fields.map((field) => bytesText(field));
    assert.deepEqual(
      [texts[0], texts[2], texts[3], texts[4]],
      ["19HxigV4QyBv3tHpQVcUEQyq1pzZVdoAut", "image/webp", "binary", memeId],
    );
    assert.deepEqual(texts.slice(5, 12), [
      "|",
      "1PuQa7K62MiKCtssSLKy1kh56WWU7MtUR5",
      "SET",
      "app",
      "meme-rounds",
      "type",
      "meme",
    ]);
    assert.deepEqual(texts.slice(-5, -1), [
      "|",
      "15PciHG22SNLQJXMoSUaWVi7WSqc7hCfva",
      "BITCOIN_ECDSA",
      signer,
    ]);
    const signature = fields.at(-1) ?? new Uint8Array();
    assert.equal(signature.length, 65);
    const message = [0x6a, ...concat(...fields.slice(0, -4))];
    const parsed = Signature.fromCompact([...signature]);
    assert.equal(BSM.verify(message, parsed, PublicKey.fromString(playKey)), true);
    assert.equal(BSM.verify([...message, 1], parsed, PublicKey.fromString(playKey)), false);
  });

  it("M6 a signature in base64, as older writers put it, is read too", () => {
    assert.ok(profile);
    const fields = fieldsOf(chainRecordScript(profile, by));
    const last = fields.at(-1) ?? new Uint8Array();
    const text = textBytes(Buffer.from(last).toString("base64"));
    const script = dataScript([...fields.slice(0, -1), text]);
    assert.deepEqual(readChainRecord(script, "devchain"), { record: profile, signer });
  });

  it("M6 any byte changed and it is no record", () => {
    for (const record of RECORDS) {
      const script = chainRecordScript(record, by);
      for (let at = 0; at < script.length; at += 2) {
        const byte = (Number.parseInt(script.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, "0");
        const bent = script.slice(0, at) + byte + script.slice(at + 2);
        assert.equal(readChainRecord(bent, "devchain"), undefined, `${record.type}, byte ${at / 2}`);
      }
    }
  });

  it("M6 the same bytes cut into other fields are no record", () => {
    const script = recordScript({ values: { type: "profile", name: "ab", note: "cd" } }, by);
    assert.ok(readRecord(script, "devchain"));
    const fields = fieldsOf(script);
    const at = fields.findIndex((field) => bytesText(field) === "ab");
    const cut = [...fields];
    cut.splice(at, 2, textBytes("a"), textBytes("bnote"));
    assert.equal(toHex(concat(...cut)), toHex(concat(...fields)));
    assert.equal(readRecord(dataScript(cut), "devchain"), undefined);
  });

  it("M6 nor signed by another than it names, nor read on another network", () => {
    assert.ok(profile);
    const script = chainRecordScript(profile, by);
    const other = fieldsOf(chainRecordScript(profile, { ...by, secret: new Uint8Array(32).fill(8) }));
    const fields = fieldsOf(script);
    const swapped = [...fields.slice(0, -1), other.at(-1) ?? new Uint8Array()];
    assert.equal(readChainRecord(dataScript(swapped), "devchain"), undefined);
    assert.equal(readChainRecord(script, "test"), undefined);
    assert.ok(readChainRecord(script, "main"), "devchain and main have the same addresses");
  });

  it("M6 nor of a shape we do not know: foreign app, unknown type, a field too many, a key twice", () => {
    const fields = { type: "profile", at: "5", playKey, identity: `ecdsa-secp256k1:${playKey}`, name: "x" };
    const read = (values: object) => readChainRecord(recordScript({ values: { ...values } }, by), "devchain");
    assert.ok(read(fields));
    for (const patch of [{ type: "story" }, { at: "05" }, { at: "-5" }, { more: "1" }, { playKey: "02" }])
      assert.equal(read({ ...fields, ...patch }), undefined, JSON.stringify(patch));
    const script = recordScript({ values: fields }, by);
    const foreign = script.replace(toHex(textBytes("meme-rounds")), toHex(textBytes("meme-sounds")));
    assert.equal(readChainRecord(foreign, "devchain"), undefined);
    for (const script of ["", "006a", "76a9", dataScript([textBytes("|")])])
      assert.equal(readChainRecord(script, "devchain"), undefined);
  });

  it("M6 refuses to write what it could not read back", () => {
    assert.throws(() => recordScript({ values: { name: "|" } }, by), RangeError);
    assert.throws(() => recordScript({ values: { sum: "1" } }, by), RangeError);
    const [meme] = RECORDS.filter((one) => one.type === "meme");
    assert.ok(meme?.type === "meme");
    const wrong = { ...meme, file: { ...file, data: textBytes("another") } };
    assert.throws(() => chainRecordScript(wrong, by), RangeError);
    assert.throws(() => chainRecordScript({ ...meme, fields: { ...meme.fields, memeId: "00" } }, by));
  });
});
