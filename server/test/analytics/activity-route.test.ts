/** Dashboard: GET /me/activity: pages, memes as everybody sees them now, nobody's rounds but one's own. */
import { strict as assert } from "node:assert";
import { activityAnswer } from "@meme-rounds/shared-schema/rest-activity";
import { memeIdOf, OPENS_AT, txidOf } from "../../../shared-schema/test/support/round.ts";
import { ActivityBook } from "../../src/analytics/activity.ts";
import { activityOf } from "../../src/analytics/activity-sums.ts";
import { createAnalyticsService } from "../../src/analytics/index.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { archivedOf } from "../../src/round/snapshot.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { annOne, bob, cid, played, simple } from "./activity-kit.ts";

describe("GET /me/activity", () => {
  let server: TestRedis;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
  });
  after(async () => {
    await redis.quit();
    await server.close();
  });
  beforeEach(() => redis.flushall());

  const route = (finished?: Parameters<typeof createAnalyticsService>[0]["finished"]) => {
    const deps = {
      redis,
      namesOf: async () => new Map(),
      now: () => OPENS_AT,
      ...(finished && { finished }),
    };
    const found = createAnalyticsService(deps).routes.find(({ path }) => path === "/me/activity");
    assert.ok(found && found.auth === "player");
    return async (identity: string, query: Record<string, string> = {}) => {
      const caller = { identity, playKey: bob.playKey, role: "player", sessionId: "s" };
      const input = { caller, query: found.query?.parse(query) } as never;
      return activityAnswer.parse(await found.handler(input));
    };
  };

  it("pages newest first over all rounds, once each, also when rounds end in between", async () => {
    const book = new ActivityBook(redis);
    for (let at = 0; at < 45; at++) await book.count(played(`main-${at}`, OPENS_AT + at * 60_000, 1));
    const ask = route();
    const first = await ask(bob.identity);
    assert.equal(first.totals.netSats, 45);
    assert.equal(first.earnings?.points.length, 45);
    await book.count(played("main-45", OPENS_AT + 45 * 60_000, 1));
    const second = await ask(bob.identity, { cursor: first.next ?? "" });
    assert.equal(second.earnings, undefined);
    const third = await ask(bob.identity, { cursor: second.next ?? "" });
    assert.equal(third.next, undefined);
    const ids = [...first.rounds, ...second.rounds, ...third.rounds].map(({ roundId }) => roundId);
    assert.deepEqual(
      ids,
      Array.from({ length: 45 }, (_, at) => `main-${44 - at}`),
    );
    assert.deepEqual((await ask(bob.identity, { cursor: "unheard of" })).rounds, []);
  });

  it("C6: memes stand as everybody sees them now: without title and picture once taken down", async () => {
    const state = simple();
    const archived = archivedOf(state);
    const detail = {
      ...archived,
      settlement: "sent" as const,
      txids: [txidOf("settlement")],
      settled: [],
      memesRanked: archived.memesRanked.map((meme) =>
        meme.memeId === memeIdOf("m1") ? { ...meme, title: "", image: "", takenDown: true } : meme,
      ),
    };
    await new ActivityBook(redis).count(activityOf(state));
    const ask = route(async (roundId) => (roundId === archived.roundId ? detail : undefined));
    const [bobs] = (await ask(bob.identity)).rounds;
    assert.deepEqual(bobs?.txids, detail.txids);
    assert.deepEqual(
      bobs?.memes.map(({ title, image, takenDown }) => [title, image, takenDown]),
      [["", "", true]],
    );
    const anns = (await ask(annOne.identity)).rounds;
    assert.deepEqual(
      anns.map(({ memes }) => memes.map(({ title }) => title)),
      [["The m0"], []],
    );
    assert.equal(anns[0]?.netSats, (anns[0]?.payoutSats ?? 0) - 15_000);
  });

  it("nobody who has not played gets an error", async () => {
    const answer = await route()(cid.identity);
    assert.deepEqual([answer.rounds, answer.totals.rounds, answer.earnings?.points], [[], 0, []]);
  });
});
