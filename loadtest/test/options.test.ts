/** The load test's command line: values by name, and words for everything else. */
import assert from "node:assert/strict";
import { helpOf, readOptions, UsageError } from "../src/options.ts";

const table = {
  seconds: { value: 60, min: 1, max: 600, help: "how long" },
  "round-seconds": { value: 20, min: 20, max: 600, help: "length of a round" },
  target: { text: "", help: "a game" },
  "allow-remote": { on: false, help: "another machine" },
} as const;
const defaults = { seconds: 60, "round-seconds": 20, target: "", "allow-remote": false };

describe("options of the load test", () => {
  it("gives defaults, and takes both ways of writing a value", () => {
    assert.deepEqual(readOptions(table, []), defaults);
    assert.deepEqual(readOptions(table, ["--seconds", "5", "--round-seconds=30", "--target", "http://a"]), {
      ...defaults,
      seconds: 5,
      "round-seconds": 30,
      target: "http://a",
    });
  });

  it("takes a switch anywhere, which swallows nothing", () => {
    assert.deepEqual(readOptions(table, ["--allow-remote", "--seconds", "5", "--target=x=y"]), {
      seconds: 5,
      "round-seconds": 20,
      target: "x=y",
      "allow-remote": true,
    });
  });

  it("tells every option with its default", () => {
    const help = helpOf(table);
    assert.match(help, /--seconds +how long \(60\)/);
    assert.match(help, /--target +a game$/m);
    assert.match(help, /--allow-remote +another machine$/m);
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
    ["--target"],
    ["--target="],
    ["--allow-remote=yes"],
    ["--allow-remote", "yes"],
  ])
    it(`refuses ${JSON.stringify(args)} with words`, () => {
      assert.throws(() => readOptions(table, args), UsageError);
    });
});
