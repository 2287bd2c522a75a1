/**
 * What a real nginx keeps with deploy/nginx.conf and deploy/kubernetes/edge.yaml (O8, C6): a crowd that asks in one moment is one question to the games.
 * Skipped where there is no nginx. How old an answer may be is the games' word, held by their own tests.
 */
import assert from "node:assert/strict";
import { until } from "../support/wait.ts";
import { type Asked, type Edge, hasNginx, type Place, startEdge } from "./edge-rig.ts";

const CROWD = 30;
const crowd = <T>(ask: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: CROWD }, ask));

for (const place of ["host", "cluster"] as const)
  describe(`what the edge of a ${place} keeps`, () => keeping(place));

function keeping(place: Place): void {
  let edge: Edge;
  /** What the games answer by path; 200 with their own name else. */
  const answers = new Map<string, (asked: Asked) => void>();

  before(async function () {
    if (!hasNginx()) return this.skip();
    edge = await startEdge(place, (asked) => {
      const answer = answers.get(asked.req.url ?? "");
      if (answer) answer(asked);
      else say(asked, 200, "public, max-age=30");
    });
  });
  after(() => edge?.stop());
  beforeEach(() => answers.clear());

  const say = ({ res, of }: Asked, status: number, cacheControl: string, text = of): void => {
    res.writeHead(status, {
      "cache-control": cacheControl,
      vary: "Origin, Accept-Encoding",
      etag: `"${text}"`,
    });
    res.end(text);
  };
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(edge.url + path, init);
  const asked = (path: string): Asked[] => edge.asked.filter(({ req }) => req.url === path);
  /** Answers that wait until they are let go. */
  function waiting(path: string, answer: (asked: Asked) => void): () => void {
    const held: Asked[] = [];
    let isOpen = false;
    answers.set(path, (one) => void (isOpen ? answer(one) : held.push(one)));
    return () => {
      isOpen = true;
      for (const one of held.splice(0)) answer(one);
    };
  }

  const WANTED: [string, number][] = [
    ["/", 200],
    ["/api/rounds/current", 200],
    ["/api/rounds/current?arena=nowhere", 503],
    ["/api/rounds/main-600", 200],
    ["/api/rounds/main-1200", 425],
    ["/api/rounds/main-1800", 404],
    ["/api/rounds/main-600/proof", 200],
    ["/api/rounds/main-1200/proof", 425],
    ["/api/rounds/main-600/journal", 200],
    ["/api/rounds/main-1800/journal", 404],
    ["/api/rounds", 200],
    ["/api/rounds?cursor=1", 200],
    ["/api/gallery", 200],
    ["/api/leaderboard?window=day", 200],
    ["/api/stats", 200],
  ];
  it("O8: a crowd that asks for one thing is one question, refusals too", async () => {
    await Promise.all(
      WANTED.map(async ([path, status]) => {
        // Longer than the games say it: here it only has to outlast the test.
        const cacheControl = path === "/" ? "no-cache" : "public, max-age=30";
        const letGo = waiting(path, (one) => say(one, status, cacheControl));
        const all = crowd(async () => (await ask(path)).status);
        await until(() => asked(path).length > 0);
        letGo();
        assert.deepEqual(new Set(await all), new Set([status]), path);
        assert.equal(asked(path).length, 1, path);
      }),
    );
  });

  it("O8: while one asks anew the others have what was there, refused or not", async () => {
    const paths = ["/api/rounds/current?arena=a", "/api/rounds/main-2400", "/api/rounds?cursor=2"];
    await Promise.all(
      paths.map(async (path) => {
        answers.set(path, (one) => say(one, 425, "public, max-age=1", "before"));
        await ask(path);
        const letGo = waiting(path, (one) => say(one, 200, "public, max-age=30", "after"));
        const texts: Promise<string>[] = [];
        // Its second passes, then one of these goes through and waits.
        await until(() => {
          texts.push(ask(path).then((answer) => answer.text()));
          return asked(path).length === 2;
        });
        const meanwhile = await crowd(async () => (await ask(path)).text());
        assert.deepEqual(new Set(meanwhile), new Set(["before"]), path);
        assert.equal(asked(path).length, 2);
        letGo();
        assert.ok((await Promise.all(texts)).includes("after"), path);
        assert.equal(await (await ask(path)).text(), "after");
        assert.equal(asked(path).length, 2);
      }),
    );
  });

  // In a cluster the service in front of the games chooses one, not the edge.
  if (place === "host") {
    it("R5: a game that hangs holds up nobody who looks for the round: the other one is asked a second later", async () => {
      const arenas = ["/api/rounds/current?arena=b", "/api/rounds/current?arena=c"];
      for (const path of arenas)
        answers.set(path, (one) => {
          if (one.of !== "game 1") say(one, 200, "public, max-age=1");
        });
      const texts = await Promise.all(arenas.map(async (path) => (await ask(path)).text()));
      assert.deepEqual(texts, ["game 2", "game 2"]);
      assert.ok(edge.asked.some(({ of, req }) => of === "game 1" && arenas.includes(req.url ?? "")));
    });

    it("R11: a game's own 503 takes no game away from others", async () => {
      // Both are asked by now, also where one was taken for hanging.
      await until(async () => (await (await ask("/api/me")).text()) === "game 1");
      const paths = ["d", "e", "f", "g"].map((arena) => `/api/rounds/current?arena=${arena}`);
      for (const path of paths) {
        answers.set(path, (one) => say(one, 503, "public, max-age=1", "no round"));
        assert.equal(await (await ask(path)).text(), "no round");
        assert.equal(asked(path).length, 1, "nor is the other one asked: it knows no better");
      }
      const posted = await Promise.all(
        [1, 2].map(async () => (await ask("/api/auth/challenge", { method: "POST", body: "{}" })).text()),
      );
      assert.deepEqual(posted.sort(), ["game 1", "game 2"]);
    });
  }

  it("whatever stands behind ? makes a round no other question; another origin does", async () => {
    for (const query of ["", "?a", "?b=1"]) await ask(`/api/rounds/main-3000${query}`);
    assert.equal(asked("/api/rounds/main-3000").length, 1);
    assert.equal(edge.asked.filter(({ req }) => req.url?.startsWith("/api/rounds/main-3000?")).length, 0);
    await ask("/api/rounds/main-3000", { headers: { origin: "https://friend.example" } });
    assert.equal(asked("/api/rounds/main-3000").length, 2);
  });

  it("who has an answer is told so by the edge", async () => {
    const first = await ask("/api/rounds/main-3600");
    const etag = first.headers.get("etag") ?? "";
    const again = await ask("/api/rounds/main-3600", {
      headers: { "if-none-match": etag, "cache-control": "max-age=0" },
    });
    assert.deepEqual([again.status, asked("/api/rounds/main-3600").length], [304, 1]);
  });

  it("the page is kept here for a second; browsers are told to ask each time", async () => {
    answers.set("/", (one) => say(one, 200, "no-cache"));
    assert.equal((await ask("/")).headers.get("cache-control"), "no-cache");
  });

  it("nothing else is kept: what must not be stored, what is one person's, what is no round's name", async () => {
    const paths = ["/api/rounds/main-4200", "/api/me", "/api/rounds/Main-1", "/api/rounds/main-1/other"];
    answers.set("/api/rounds/main-4200", (one) => say(one, 500, "no-store"));
    for (const path of paths) {
      await ask(path);
      await ask(path);
    }
    const init = { headers: { authorization: "Bearer x" } };
    await ask("/api/gallery?cursor=9", init);
    await ask("/api/gallery?cursor=9", init);
    for (const path of [...paths, "/api/gallery?cursor=9"]) assert.ok(asked(path).length >= 2, path);
  });

  it("I5: an answer that is kept does not tell everybody how often the first one asked", async () => {
    const path = "/api/rounds/main-4800/journal";
    answers.set(path, (one) => {
      one.res.setHeader("RateLimit", '"rounds.journal";r=29;t=60');
      one.res.setHeader("RateLimit-Remaining", "29");
      say(one, 200, "public, max-age=5, s-maxage=60");
    });
    const { headers } = await ask(path);
    assert.deepEqual([headers.get("ratelimit"), headers.get("ratelimit-remaining")], [null, null]);
    await ask(path);
    assert.equal(asked(path).length, 1);
  });
}
