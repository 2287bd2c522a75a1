/** BIP-32: its published vectors, and agreement with another implementation. */
import assert from "node:assert/strict";
import { HD } from "@bsv/sdk";
import fc from "fast-check";
import { decodeBase58Check } from "../src/base58.ts";
import { fromHex, toHex } from "../src/bytes.ts";
import { derive, masterKeyOf } from "../src/hd-key.ts";

const SEED_1 = "000102030405060708090a0b0c0d0e0f";
const SEED_2 =
  "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542";
const VECTORS: [seed: string, path: string, xprv: string][] = [
  [
    SEED_1,
    "m",
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
  ],
  [
    SEED_1,
    "m/0'",
    "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7",
  ],
  [
    SEED_1,
    "m/0'/1",
    "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs",
  ],
  [
    SEED_1,
    "m/0'/1/2'",
    "xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQSAewRiNMjANTtpgP4mLTj34bhnZX7UiM",
  ],
  [
    SEED_1,
    "m/0'/1/2'/2",
    "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7in334",
  ],
  [
    SEED_1,
    "m/0'/1/2'/2/1000000000",
    "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76",
  ],
  [
    SEED_2,
    "m",
    "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U",
  ],
  [
    SEED_2,
    "m/0",
    "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86pgKt",
  ],
  [
    SEED_2,
    "m/0/2147483647'",
    "xprv9wSp6B7kry3Vj9m1zSnLvN3xH8RdsPP1Mh7fAaR7aRLcQMKTR2vidYEeEg2mUCTAwCd6vnxVrcjfy2kRgVsFawNzmjuHc2YmYRmagcEPdU9",
  ],
  [
    SEED_2,
    "m/0/2147483647'/1",
    "xprv9zFnWC6h2cLgpmSA46vutJzBcfJ8yaJGg8cX1e5StJh45BBciYTRXSd25UEPVuesF9yog62tGAQtHjXajPPdbRCHuWS6T8XA2ECKADdw4Ef",
  ],
  [
    SEED_2,
    "m/0/2147483647'/1/2147483646'",
    "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc",
  ],
  [
    SEED_2,
    "m/0/2147483647'/1/2147483646'/2",
    "xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9QWTyefMLEcBYJUuekgW4BYPJcr9E7j",
  ],
];

/** Version 4, depth 1, parent 4, index 4, chain code 32, then 0 and the secret. */
const partsOf = (xprv: string) => {
  const bytes = decodeBase58Check(xprv);
  assert.ok(bytes?.length === 78);
  return { chainCode: toHex(bytes.slice(13, 45)), secret: toHex(bytes.slice(46)) };
};

describe("BIP-32", () => {
  for (const [seed, path, xprv] of VECTORS)
    it(`I3: the published key at ${path} of seed ${seed.slice(0, 8)}`, () => {
      const key = derive(masterKeyOf(fromHex(seed)), path);
      assert.deepEqual({ chainCode: toHex(key.chainCode), secret: toHex(key.secret) }, partsOf(xprv));
    });

  it("I3: agrees with another implementation on any seed and path", () => {
    const step = fc.tuple(fc.nat(0x7fff_ffff), fc.boolean()).map(([n, hard]) => `${n}${hard ? "'" : ""}`);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 64 }),
        fc.array(step, { maxLength: 4 }),
        (seed, steps) => {
          const path = ["m", ...steps].join("/");
          const theirs = HD.fromSeed([...seed]).derive(path);
          assert.equal(
            toHex(derive(masterKeyOf(seed), path).secret),
            theirs.privKey.toHex().padStart(64, "0"),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("I3: refuses seeds and paths that are none", () => {
    const master = masterKeyOf(new Uint8Array(16).fill(1));
    for (const path of ["", "0/1", "m/", "m/x", "m/-1", "m/2147483648", "m/1''", "m/1/ 2", "M/0"])
      assert.throws(() => derive(master, path), RangeError, path);
    for (const length of [0, 15, 65]) assert.throws(() => masterKeyOf(new Uint8Array(length)), RangeError);
  });
});
