// @ts-check
/** The lock is what was agreed to; each rule refuses what it is there for. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { auditLock } from "../../launch/audit-lock.mjs";

const root = resolve(import.meta.dirname, "../../..");
const sha512 = `sha512-${"A".repeat(86)}==`;
const good = { version: "1.2.3", integrity: sha512, license: "MIT" };
/** @param {Record<string, object>} packages */
const audit = (packages) => auditLock({ lockfileVersion: 3, packages: { "": {}, ...packages } });

describe("the audit of package-lock.json", () => {
  it("our own lock has nothing that was not agreed to", () => {
    assert.deepEqual(auditLock(JSON.parse(readFileSync(resolve(root, "package-lock.json"), "utf8"))), []);
  });

  /** @type {[string, Record<string, object>, RegExp][]} */
  const cases = [
    ["no integrity", { "node_modules/a": { ...good, integrity: undefined } }, /a: no sha512/],
    ["an old hash", { "node_modules/a": { ...good, integrity: "sha1-abc=" } }, /a: no sha512/],
    ["a git address", { "node_modules/a": { ...good, resolved: "git+ssh://x/y" } }, /address of its own/],
    ["git", { "node_modules/a": { ...good, resolved: "git:x" } }, /address of its own/],
    ["http", { "node_modules/a": { ...good, resolved: "http://x/a.tgz" } }, /address of its own/],
    ["a folder", { "node_modules/a": { ...good, resolved: "file:../a" } }, /address of its own/],
    ["an unknown licence", { "node_modules/a": { ...good, license: "GPL-3.0" } }, /licence is GPL-3.0/],
    ["no licence", { "node_modules/a": { ...good, license: undefined } }, /licence is not stated/],
    ["one bad half", { "node_modules/a": { ...good, license: "MIT AND SSPL-1.0" } }, /licence is MIT AND/],
    ["an install script", { "node_modules/a": { ...good, hasInstallScript: true } }, /runs something/],
    [
      "two versions of a curve library",
      {
        "node_modules/@noble/curves": good,
        "node_modules/b/node_modules/@noble/curves": { ...good, version: "1.0.0" },
      },
      /@noble\/curves: 2 versions \(1\.0\.0, 1\.2\.3\)/,
    ],
    ["a range", { server: { dependencies: { a: "^1.0.0" } } }, /server: asks for a \^1\.0\.0/],
    ["any version", { server: { devDependencies: { a: "*" } } }, /asks for a \*/],
    [
      "an address instead of a version",
      { server: { dependencies: { a: "github:x/y" } } },
      /asks for a github/,
    ],
  ];
  for (const [what, packages, fault] of cases)
    it(`${what} is refused`, () => assert.match(audit(packages).join("\n"), fault));

  it("one good half of a choice, another system's binary, and a package in two places pass", () => {
    const packages = {
      "node_modules/a": { ...good, license: "(MIT OR GPL-3.0)" },
      "node_modules/b/node_modules/a": { ...good, version: "2.0.0" },
      "node_modules/c-darwin-x64": { version: "1.0.0", optional: true },
      server: { dependencies: { a: "1.2.3", b: "npm:@x/b@1.2.3" } },
    };
    assert.deepEqual(audit(packages), []);
  });
  it("another form of lock is refused", () => assert.equal(auditLock({ lockfileVersion: 2 }).length, 1));
});
