/** What the set-up decides by looking: versions and ages. Installing itself is tried on a fresh machine, not here. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findNode, newestIn, projectRoot, readRedisVersion } from "../../launch/setup.mjs";

describe("set-up", () => {
  it("takes Redis 6.2 and newer, and nothing else", () => {
    const line = (/** @type {string} */ version) =>
      `Redis server v=${version} sha=00000000:0 malloc=jemalloc bits=64`;
    assert.deepEqual(readRedisVersion(line("7.0.15")), { version: "7.0.15", enough: true });
    assert.deepEqual(readRedisVersion(line("6.2.0")), { version: "6.2.0", enough: true });
    assert.deepEqual(readRedisVersion(line("6.0.16")), { version: "6.0.16", enough: false });
    assert.deepEqual(readRedisVersion(line("5.9.1")), { version: "5.9.1", enough: false });
    assert.equal(readRedisVersion("some other program 7.0"), undefined);
  });

  it("finds the Node 24 that came with the packages", () => {
    assert.match(findNode({ root: projectRoot }), /node_modules\/node\/bin\/node$/);
  });

  it("looks at sources only when it asks whether the page is old", () => {
    const folder = mkdtempSync(join(tmpdir(), "meme-rounds-setup-"));
    try {
      const put = (/** @type {string} */ path, /** @type {number} */ seconds) => {
        mkdirSync(join(folder, path, ".."), { recursive: true });
        writeFileSync(join(folder, path), "");
        utimesSync(join(folder, path), seconds, seconds);
      };
      put("src/deep/page.tsx", 2_000);
      put("src/main.tsx", 1_000);
      put("dist/index.html", 9_000);
      put("node_modules/some/index.js", 9_000);
      assert.equal(newestIn(folder), 2_000_000);
      assert.equal(newestIn(join(folder, "nothing")), 0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
