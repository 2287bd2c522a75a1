/** Base58check and addresses (protocol.md 9, I3): the right network, or a clear no. */
import { strict as assert } from "node:assert";
import { readAddress } from "@meme-rounds/shared-schema/address";
import { decodeBase58Check, encodeBase58Check } from "@meme-rounds/shared-schema/base58";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import fc from "fast-check";
import { actor } from "./support/round.ts";

const { playKey } = actor("addressed");

describe("addresses", () => {
  it("base58check gives back what it was given, leading zeros included", () =>
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(5), (bytes, zeros) => {
        const payload = Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes]);
        assert.deepEqual(decodeBase58Check(encodeBase58Check(payload)), payload);
      }),
    ));
  it("knows the addresses everybody knows", () => {
    const genesis = decodeBase58Check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
    assert.equal(genesis && toHex(genesis), "0062e907b15cbf27d5425399ebf6f0fb50ebb88f18");
    assert.equal(readAddress("1BitcoinEaterAddressDontSendf59kuE", "main").ok, true);
  });
  it("protocol 9 an address pays its key on its own network and is refused on the others", () => {
    for (const network of ["devchain", "main", "test"] as const) {
      const read = readAddress(addressOf(playKey, network), network);
      assert.equal(read.ok && read.script, p2pkhScript(playKey));
    }
    for (const [of, on] of [
      ["test", "main"],
      ["main", "test"],
      ["test", "devchain"],
    ] as const) {
      const read = readAddress(addressOf(playKey, of), on);
      assert.ok(!read.ok && /another network/.test(read.reason));
    }
  });
  it("I3 refuses one changed character, scripts' addresses, segwit, and nonsense", () => {
    const good = addressOf(playKey, "main");
    for (let at = 0; at < good.length; at++) {
      const other = good[at] === "z" ? "y" : "z";
      assert.equal(readAddress(good.slice(0, at) + other + good.slice(at + 1), "main").ok, false, String(at));
    }
    const p2sh = encodeBase58Check(Uint8Array.from([5, ...new Array<number>(20).fill(7)]));
    for (const text of [
      p2sh,
      "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
      "",
      "0OIl",
      good.slice(1),
      `${good}1`,
    ])
      assert.equal(readAddress(text, "main").ok, false, text);
  });
});
