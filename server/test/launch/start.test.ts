/** `npm start` itself: everything comes up, stops in order, and a second start keeps what was there. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { snapshotSchema, userSchema } from "@meme-rounds/shared-schema/rest";
import { Player } from "../../../loadtest/src/player.ts";
import { startGame } from "../support/processes.ts";
import { until } from "../support/wait.ts";

describe("npm start", function () {
  this.timeout(120_000);

  it("plays, stops in order with exit 0, and keeps players, keys and the chain over a second start", async () => {
    const first = await startGame({ ROUND_SECONDS: "20" });
    const ann = new Player(first.url);
    const page = await fetch(first.url);
    assert.match(await page.text(), /<div id="root">/);
    const round = await until(
      async () => snapshotSchema.parse(await (await fetch(`${first.url}/api/rounds/current`)).json()),
      { what: "a round" },
    );
    await ann.signIn();
    await ann.call(userSchema, "PATCH", "/me", { name: "Ann the first" });
    const coin = await ann.faucet(50_000);
    const ending = await first.stop(60_000);
    assert.equal(ending.code, 0, first.output());
    const stops = [...first.output().matchAll(/^Stopping (\S+)\.$/gm)].map((match) => match[1]);
    assert.deepEqual(stops, [
      "game",
      "model-worker",
      "content-worker",
      "payment-worker",
      "auditor",
      "aitubo",
      "devchain",
      "redis",
    ]);

    const second = await startGame({ ROUND_SECONDS: "20", DATA_DIR: first.dataDir });
    try {
      const again = new Player(second.url, ann.secret);
      await again.signIn();
      const me = await again.call(userSchema, "GET", "/me");
      assert.equal(me.name, "Ann the first");
      assert.equal(await again.balance(), coin.sats);
      const later = await until(
        async () => snapshotSchema.parse(await (await fetch(`${second.url}/api/rounds/current`)).json()),
        { what: "a round after the second start" },
      );
      assert.equal(later.operatorKey, round.operatorKey);
      assert.equal(later.auditorKey, round.auditorKey);
    } finally {
      await second.stop(60_000);
      await rm(first.dataDir, { recursive: true, force: true });
    }
  });
});
