/**
 * Where the AITubo client fetches results from (C3). Every refused address serves a sound picture, so that nothing
 * but the rule under test can refuse it; what counts is that nobody called it.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type AituboClient, AituboError, createAitubo } from "../../src/content/aitubo/client.ts";

const KEY = "api-0123456789abcdef0123456789abcdef";
const LIMITS = { maxBytes: 1_000_000 };
const JOB = "/api/job/get";

interface Call {
  url: string;
  headers: Headers;
}

describe("AITubo's results (C3)", () => {
  let picture: Uint8Array<ArrayBuffer>;
  before(async () => {
    picture = new Uint8Array(await readFile(new URL("../fixtures/memes/doge.png", import.meta.url)));
  });

  /** A network on which every host serves the picture, `/away` moves, and jobs are done with these results. */
  function network(domain: string, image: string): { client: AituboClient; calls: Call[] } {
    const calls: Call[] = [];
    const respond = (url: URL, follow: boolean): Response => {
      calls.push({ url: url.href, headers: new Headers() });
      if (url.pathname === JOB)
        return Response.json({ code: 0, data: { status: 2, result: { data: { domain, images: [image] } } } });
      if (url.pathname !== "/away")
        return new Response(picture, { headers: { "content-type": "image/png" } });
      if (follow) return respond(new URL("https://inside.test/a.png"), follow);
      return new Response(null, { status: 302, headers: { location: "https://inside.test/a.png" } });
    };
    const fetchFake: typeof fetch = async (input, init) => {
      const response = respond(new URL(String(input)), (init?.redirect ?? "follow") === "follow");
      for (const call of calls.slice(-1)) call.headers = new Headers(init?.headers);
      return response;
    };
    const client = createAitubo(
      { baseUrl: "https://aitubo.test", apiKey: KEY, timeoutMs: 2_000 },
      { fetch: fetchFake },
    );
    return { client, calls };
  }

  async function resultOf(client: AituboClient): Promise<string> {
    const end = await client.poll("a");
    assert.ok(end.state === "done" && end.outputs[0]);
    return end.outputs[0].url;
  }
  const isPermanent = (error: unknown): boolean => error instanceof AituboError && error.kind === "permanent";
  const fetched = (calls: readonly Call[]): string[] =>
    calls.map(({ url }) => url).filter((url) => new URL(url).pathname !== JOB);

  it("come from the domain that the job's answer named, without our key", async () => {
    const { client, calls } = network("https://files.test/", "images/a.png");
    const url = await resultOf(client);
    assert.deepEqual(await client.download(url, LIMITS), Buffer.from(picture));
    assert.deepEqual(fetched(calls), ["https://files.test/images/a.png"]);
    assert.equal(calls[0]?.headers.get("authorization"), `Bearer ${KEY}`);
    assert.equal(calls[1]?.headers.get("authorization"), null);
  });

  it("come from that domain only once an answer has named it", async () => {
    const { client, calls } = network("https://files.test/", "images/a.png");
    await assert.rejects(client.download("https://files.test/images/a.png", LIMITS), isPermanent);
    assert.deepEqual(fetched(calls), []);
  });

  for (const image of ["//inside.test/a.png", "https://inside.test/a.png", "https://files.test:8443/a.png"])
    it(`do not come from another host that a path names: ${image}`, async () => {
      const { client, calls } = network("https://files.test/", image);
      await assert.rejects(client.download(await resultOf(client), LIMITS), isPermanent);
      assert.deepEqual(fetched(calls), []);
    });

  it("do not come in the clear when the API is https", async () => {
    const { client, calls } = network("http://files.test/", "images/a.png");
    await assert.rejects(client.download(await resultOf(client), LIMITS), isPermanent);
    assert.deepEqual(fetched(calls), []);
  });

  it("do not come from where a redirect leads", async () => {
    const { client, calls } = network("https://files.test/", "away");
    await assert.rejects(client.download(await resultOf(client), LIMITS), isPermanent);
    assert.deepEqual(fetched(calls), ["https://files.test/away"]);
  });
});
