/** Calls to the server: refusals as the page hears them. */
import assert from "node:assert/strict";
import { createHttp } from "../src/net/http.ts";

const problem = (code: string): string => JSON.stringify({ code, detail: `It is ${code}.` });

describe("calls to the server", () => {
  const asking = (status: number, body: string, headers: Record<string, string> = {}) => {
    const answer = async () => new Response(body, { status, headers });
    return createHttp({ base: "/api" }, { fetch: answer }).request({ method: "GET", path: "/x" });
  };

  it("a refusal says when the server wishes to be asked again", async () => {
    assert.deepEqual(await asking(425, problem("ROUND_LIVE"), { "retry-after": "2" }), {
      ok: false,
      code: "ROUND_LIVE",
      message: "It is ROUND_LIVE.",
      retryAfterMs: 2_000,
    });
    assert.deepEqual(await asking(503, "<html>", { "retry-after": "30" }), {
      ok: false,
      code: "UNAVAILABLE",
      message: "A part of the system is not reachable.",
      retryAfterMs: 30_000,
    });
  });

  it("and nothing of it where it does not, or in a way that is not ours", async () => {
    for (const wish of [undefined, "0", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"]) {
      const answer = await asking(
        425,
        problem("ROUND_LIVE"),
        wish === undefined ? {} : { "retry-after": wish },
      );
      assert.ok(!answer.ok && !("retryAfterMs" in answer), wish);
    }
  });
});
