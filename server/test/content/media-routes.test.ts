/** C6: every header of /media, ranges, and what is answered for what is not there. */
import assert from "node:assert/strict";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { type MediaRig, someBytes, startMedia } from "./media-kit.ts";

const ABSENT = "ab".repeat(32);

describe("media over HTTP", () => {
  let rig: MediaRig;
  let sha256: string;
  const bytes = someBytes(1_000);
  before(async () => {
    rig = await startMedia();
  });
  after(() => rig?.stop());
  beforeEach(async () => {
    await rig.redis.flushall();
    rig.serve(rig.store());
    sha256 = await rig.store().put(bytes, "image/webp");
  });

  const ask = (headers: Record<string, string> = {}, method = "GET", name = sha256) =>
    fetch(`${rig.url}/${name}`, { method, headers });
  const body = async (response: Response) => Buffer.from(await response.arrayBuffer());
  const harmless = (response: Response): void => {
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("content-security-policy"), "sandbox; default-src 'none'");
    assert.equal(response.headers.get("cross-origin-resource-policy"), "cross-origin");
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
  };

  it("C6 the whole file: type, length, immutable for a year, harmless on any page", async () => {
    const response = await ask();
    assert.equal(response.status, 200);
    assert.deepEqual(await body(response), Buffer.from(bytes));
    assert.equal(response.headers.get("content-type"), "image/webp");
    assert.equal(response.headers.get("content-length"), "1000");
    assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(response.headers.get("etag"), `"${sha256}"`);
    assert.equal(response.headers.get("accept-ranges"), "bytes");
    assert.match(response.headers.get("access-control-expose-headers") ?? "", /Content-Range/);
    harmless(response);
    const glb = await rig.store().put(someBytes(9), "model/gltf-binary");
    assert.equal((await ask({}, "GET", glb)).headers.get("content-type"), "model/gltf-binary");
  });

  it("C6 HEAD has the headers of GET and no body, and knows no ranges", async () => {
    const response = await ask({ range: "bytes=0-1" }, "HEAD");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), "1000");
    assert.equal(response.headers.get("content-type"), "image/webp");
    assert.equal(response.headers.get("etag"), `"${sha256}"`);
    assert.equal((await body(response)).length, 0);
    assert.equal((await ask({}, "HEAD", ABSENT)).status, 404);
  });

  it("C6 If-None-Match: 304 for this tag, alone, weak, in a list or *; 200 for another", async () => {
    for (const tag of [`"${sha256}"`, `W/"${sha256}"`, `"x", "${sha256}"`, "*"]) {
      const response = await ask({ "if-none-match": tag });
      assert.equal(response.status, 304, tag);
      assert.equal(response.headers.get("etag"), `"${sha256}"`);
      assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
      assert.equal((await body(response)).length, 0);
    }
    assert.equal((await ask({ "if-none-match": '"other"' })).status, 200);
  });

  const ranges: [string, number, number][] = [
    ["bytes=0-99", 0, 99],
    ["bytes=990-", 990, 999],
    ["bytes=-10", 990, 999],
    ["bytes=500-5000", 500, 999],
    ["bytes=-5000", 0, 999],
  ];
  for (const [range, start, end] of ranges)
    it(`C6 ${range} answers 206 with exactly these bytes`, async () => {
      const response = await ask({ range });
      assert.equal(response.status, 206);
      assert.equal(response.headers.get("content-range"), `bytes ${start}-${end}/1000`);
      assert.equal(response.headers.get("content-length"), String(end - start + 1));
      assert.equal(response.headers.get("content-type"), "image/webp");
      assert.deepEqual(await body(response), Buffer.from(bytes.subarray(start, end + 1)));
      harmless(response);
    });

  it("C6 a range beyond the end: 416 with the length, and no cache keeps that", async () => {
    for (const range of ["bytes=1000-", "bytes=5000-6000", "bytes=-0"]) {
      const response = await ask({ range });
      assert.equal(response.status, 416, range);
      assert.equal(response.headers.get("content-range"), "bytes */1000");
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.equal((await body(response)).length, 0);
    }
  });

  it("C6 several ranges, or none that can be read: the whole file", async () => {
    for (const range of ["bytes=0-1, 10-11", "bytes=a-b", "lines=0-1", "bytes=-", "bytes=9-5"]) {
      const response = await ask({ range });
      assert.equal(response.status, 200, range);
      assert.equal((await body(response)).length, 1_000);
    }
  });

  it("C6 If-Range: the range for this tag; the whole file for another, a weak one or a date", async () => {
    const status = async (only: string) => (await ask({ range: "bytes=0-9", "if-range": only })).status;
    assert.equal(await status(`"${sha256}"`), 206);
    for (const only of ['"other"', `W/"${sha256}"`, "Wed, 21 Oct 2026 07:28:00 GMT"])
      assert.equal(await status(only), 200, only);
  });

  it("C6 what is not there, or is no hash: 404 as a problem that no cache keeps", async () => {
    for (const name of [ABSENT, "index.html", sha256.toUpperCase(), `${sha256}0`]) {
      const response = await ask({}, "GET", name);
      assert.equal(response.status, 404, name);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.match(response.headers.get("content-type") ?? "", /application\/problem\+json/);
      assert.equal(problemSchema.parse(await response.json()).code, "NOT_FOUND");
      harmless(response);
    }
  });

  it("C6 what was taken down: 410 with its own code at once, with a tag or a range too; no cache keeps it", async () => {
    await rig.store().take(sha256, "{}");
    const asked: Record<string, string>[] = [{}, { "if-none-match": `"${sha256}"` }, { range: "bytes=0-1" }];
    for (const headers of asked) {
      const response = await ask(headers);
      assert.equal(response.status, 410);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.notEqual(response.headers.get("etag"), `"${sha256}"`);
      assert.equal(problemSchema.parse(await response.json()).code, "MEDIA_TAKEN_DOWN");
    }
  });

  it("C6 while the chain does not answer: 503 that no cache keeps", async () => {
    const fromChain = async () => {
      throw new CodedError("UNAVAILABLE");
    };
    rig.serve(rig.store({ fromChain }));
    const response = await ask({}, "GET", ABSENT);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  it("C6 a page elsewhere may ask before it asks for a range (CORS)", async () => {
    const response = await ask({ origin: "https://elsewhere.example" }, "OPTIONS");
    assert.equal(response.status, 204);
    assert.match(response.headers.get("access-control-allow-headers") ?? "", /If-Range, Range/);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
  });
});
