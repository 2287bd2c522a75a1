/** The load test's command line: numbers by name, and words for everything else. */
import assert from "node:assert/strict";
import { readOptions, UsageError } from "../src/options.ts";

const table = {
  seconds: { value: 60, min: 1, max: 600, help: "how long" },
  "round-seconds": { value: 20, min: 20, max: 600, help: "length of a round" },
} as const;

describe("options of the load test", () => {
  it("gives defaults, and takes both ways of writing a number", () => {
    assert.deepEqual(readOptions(table, []), { seconds: 60, "round-seconds": 20 });
    assert.deepEqual(readOptions(table, ["--seconds", "5", "--round-seconds=30"]), {
      seconds: 5,
      "round-seconds": 30,
    });
  });

  for (const args of [
    ["--minutes", "5"],
    ["seconds", "5"],
    ["--seconds"],
    ["--seconds", ""],
    ["--seconds", "many"],
    ["--seconds", "0"],
    ["--seconds", "601"],
    ["--seconds", "Infinity"],
    ["--constructor", "5"],
    ["--seconds", "5", "stray"],
  ])
    it(`refuses ${JSON.stringify(args)} with words`, () => {
      assert.throws(() => readOptions(table, args), UsageError);
    });
});
