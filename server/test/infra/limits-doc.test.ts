/** I5: docs/LIMITS.md against the one table of limits, and the code against both: no number stands elsewhere. */
import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  KICK_FACTOR,
  KICK_SECONDS,
  LIMITS,
  type LimitRule,
  LOOPBACK_FACTOR,
  SOCKET_MESSAGES_PER_SECOND,
} from "../../src/infra/limits.ts";

const root = join(import.meta.dirname, "../../..");
const rules: LimitRule[] = Object.values(LIMITS);

describe("the table of limits", () => {
  it("I5: docs/LIMITS.md has each limit with its numbers, and no other", async () => {
    const text = await readFile(join(root, "docs/LIMITS.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([a-z.]+)` \| [^|]+ \| (.+) \|$/gm)].map(
      ([, name, rest]) => `${name} ${rest?.split(" | ").join(" ")}`,
    );
    const expected = rules.map(
      ({ name, per, points, seconds, batch = 1, away = "closed" }) =>
        `${name} ${per} ${points} ${seconds} ${batch} ${away}`,
    );
    assert.deepEqual(rows, expected);
    for (const words of [
      `asked for ${KICK_FACTOR} times its limit`,
      `thrown out for ${KICK_SECONDS} s`,
      `more than ${SOCKET_MESSAGES_PER_SECOND} messages in a second`,
      `limits by address are ${LOOPBACK_FACTOR} times`,
    ])
      assert.ok(text.replaceAll("\n", " ").includes(words), words);
  });

  it("I5: names are one each, a batch is a part of its limit, and a day is the longest window", () => {
    assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
    for (const { name, points, seconds, batch = 1 } of rules) {
      assert.ok(batch === 1 || batch <= points / 5, name);
      assert.ok(seconds <= 86_400, name);
    }
  });

  it("I5: each limit is asked for somewhere, and no route has numbers of its own", async () => {
    const sources: string[] = [];
    for await (const file of glob("server/src/**/*.ts", { cwd: root }))
      if (!file.endsWith("infra/limits.ts")) sources.push(await readFile(join(root, file), "utf8"));
    const all = sources.join("\n");
    const byKind = ["deposit", "enter", "boost", "chat", "report"];
    for (const key of Object.keys(LIMITS))
      assert.ok(byKind.includes(key) || all.includes(`LIMITS.${key}`), `nobody asks for ${key}`);
    assert.ok(all.includes("LIMITS[kind]"));
    assert.doesNotMatch(all, /limit: \{/);
  });
});
