/** Which game a load test plays against: other machines are left alone unless it is said twice that they are meant. */
import assert from "node:assert/strict";
import { UsageError } from "../src/options.ts";
import { chooseTarget } from "../src/target.ts";

const wanted = (target: string, allowRemote = false) => ({ target, "allow-remote": allowRemote });
const typing = (text: string, asked: string[] = []) => {
  return async (question: string): Promise<string> => {
    asked.push(question);
    return text;
  };
};
const refused = (pattern: RegExp) => (error: unknown) =>
  error instanceof UsageError && pattern.test(error.message);

describe("the target of a load test", () => {
  it("is a game of its own without one", async () => {
    assert.equal(await chooseTarget(wanted(""), undefined), undefined);
  });

  for (const [given, origin] of [
    ["http://127.0.0.1:2567", "http://127.0.0.1:2567"],
    ["http://127.3.2.1:80/", "http://127.3.2.1"],
    ["http://localhost:2567/", "http://localhost:2567"],
    ["https://[::1]:8443", "https://[::1]:8443"],
    ["http://2130706433:99", "http://127.0.0.1:99"],
  ] as const)
    it(`${given} is this machine: nobody is asked`, async () => {
      assert.equal(await chooseTarget(wanted(given), undefined), origin);
    });

  for (const target of [
    "https://game.example",
    "http://127.0.0.1.game.example",
    "http://localhost.game.example",
    "http://10.0.0.1:2567",
    "http://0.0.0.0:2567",
    "http://[::ffff:7f00:1]:2567",
  ]) {
    it(`${target} is another machine: refused without --allow-remote`, async () => {
      await assert.rejects(
        chooseTarget(wanted(target), typing("yes")),
        refused(/another machine.*--allow-remote/),
      );
    });
    it(`${target} is refused where nobody sits at a terminal`, async () => {
      await assert.rejects(chooseTarget(wanted(target, true), undefined), refused(/no terminal/));
    });
  }

  it("goes on when the host name is typed, and only then", async () => {
    const asked: string[] = [];
    const there = wanted("https://game.example:8443", true);
    assert.equal(await chooseTarget(there, typing(" Game.Example\n", asked)), "https://game.example:8443");
    assert.match(asked[0] ?? "", /game\.example:8443/);
    for (const typed of ["", "y", "yes", "game.example.com", "example"])
      await assert.rejects(chooseTarget(there, typing(typed)), refused(/nothing was sent/));
  });

  for (const target of [
    "127.0.0.1:2567",
    "nonsense",
    "ws://127.0.0.1",
    "file:///etc/passwd",
    "http://user@127.0.0.1",
    "http://127.0.0.1/path",
    "http://127.0.0.1/?x=1",
  ])
    it(`refuses ${target} with words`, async () => {
      await assert.rejects(chooseTarget(wanted(target, true), typing("x")), UsageError);
    });
});
