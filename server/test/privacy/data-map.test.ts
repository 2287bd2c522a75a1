/** The data map of docs/PRIVACY.md against the code: nothing is kept that it does not name, nothing named is made up (I6). */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browserKeys, isMapped, isMappedInBrowser, redisKeys } from "./data-map.ts";

/** Pub/sub channels and database names: nothing is stored under them. */
const NOT_KEYS = new Set(["mr:settled", "mr:chain:hint", "mr:ip-rules:changed", "mr:bull", "mr:keystore"]);
/** Names of browser locks: nothing is stored under them. */
const LOCKS = new Set(["mr:coins", "mr:session", "mr:tab", "mr:auto-join"]);

/** Every key a source file builds, its changing parts as `<x>`. */
function keysIn(folder: string): Set<string> {
  const root = fileURLToPath(new URL(`../../../${folder}`, import.meta.url));
  const found = new Set<string>();
  for (const entry of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(entry)) continue;
    const code = readFileSync(join(root, entry), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    const keys = code.matchAll(/"(mr:[^"\s]*)"|`(mr:(?:\$\{[^`]*?\}|[^`\s$])*)`/g);
    for (const [, plain, built] of keys)
      found.add((plain ?? built ?? "").replaceAll(/\$\{[^}]*\}/g, "<x>").replace(/:$/, ":<x>"));
  }
  return found;
}

describe("privacy: the data map (I6)", () => {
  it("I6: every key that the server builds is in the map", () => {
    const keys = [...keysIn("server/src")].filter((key) => !NOT_KEYS.has(key) && !key.endsWith("*"));
    assert.ok(keys.length > 50, `only ${keys.length} keys found`);
    assert.deepEqual(
      keys.filter((key) => !isMapped(key)),
      [],
    );
  });

  it("I6: every key that the page stores is in the map", () => {
    const keys = [...keysIn("client/src")].filter((key) => !NOT_KEYS.has(key) && !LOCKS.has(key));
    assert.ok(keys.length > 8, `only ${keys.length} keys found`);
    assert.deepEqual(
      keys.filter((key) => !isMappedInBrowser(key)),
      [],
    );
  });

  it("I6: the map names no key that there is not", () => {
    const plain = (key: string): string => key.replace(/<[^>]+>.*$/, "");
    for (const [keys, folder] of [
      [redisKeys, "server/src"],
      [browserKeys, "client/src"],
    ] as const) {
      const built = [...keysIn(folder)];
      for (const key of keys)
        assert.ok(
          built.some((one) => `${one}:`.startsWith(plain(key))),
          `${key} is in the map only`,
        );
    }
  });

  it("I6: a key that is not in the map is noticed", () => {
    assert.ok(isMapped("mr:auth:user:ecdsa-secp256k1:02ab"));
    for (const key of ["mr:secret:1", "mr:auth:tracking:1", "mr:auth:user:", "colyseus:x"])
      assert.ok(!isMapped(key), key);
  });
});
