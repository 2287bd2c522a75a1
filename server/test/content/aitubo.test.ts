/** The AITubo client against the stand-in over HTTP: the whole way, and every way it can go wrong (C3). */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import sharp from "sharp";
import type { AituboErrorKind } from "../../src/content/aitubo/answers.ts";
import {
  type AituboClient,
  AituboError,
  type AituboOptions,
  createAitubo as createGuarded,
  sizeFor,
} from "../../src/content/aitubo/client.ts";
import type { FaultKind } from "../../standins/aitubo/faults.ts";
import { type AituboStandIn, startAitubo } from "../../standins/aitubo/server.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/wait.ts";

const KEY = "api-0123456789abcdef0123456789abcdef";
const TIMEOUT_MS = 2_000;
const LIMITS = { maxBytes: 12 * 1024 * 1024 };
const CREATE = "/api/job/create";
const GET = "/api/job/get";

/** As in development: the stand-in is on this machine. */
const createAitubo = (options: AituboOptions, deps?: Parameters<typeof createGuarded>[1]) =>
  createGuarded({ allowPrivate: true, ...options }, deps);

async function serve(answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return { url: `http://127.0.0.1:${address.port}`, server };
}

async function fails(kind: AituboErrorKind, doing: Promise<unknown>): Promise<AituboError> {
  const error = await doing.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AituboError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.ok(!error.message.includes(KEY), "the key is in the message");
  return error;
}

describe("AITubo (C3)", () => {
  let aitubo: AituboStandIn;
  let client: AituboClient;
  let memes: { url: string; server: Server };
  let doge: Buffer;

  before(async () => {
    doge = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    memes = await serve((request, response) => {
      if (request.url === "/doge.png") response.end(doge);
      else if (request.url === "/text") response.end("no picture");
      else if (request.url === "/moved") response.writeHead(302, { location: "/doge.png" }).end();
      else response.writeHead(404).end();
    });
  });
  after(() => memes.server.close());

  beforeEach(async () => {
    aitubo = await startAitubo({ port: 0, apiKey: KEY, latencyMs: 40, credit: 3 });
    client = createAitubo({ baseUrl: aitubo.url, apiKey: KEY, timeoutMs: TIMEOUT_MS });
  });
  afterEach(() => aitubo.close());

  const input = (name = "doge.png") => ({
    prompt: "3D render",
    imageUrl: `${memes.url}/${name}`,
    strength: 0.45,
    width: 256,
    height: 192,
  });
  const finished = (remoteId: string) =>
    until(
      async () => {
        const now = await client.poll(remoteId);
        return now.state === "done" || now.state === "failed" ? now : undefined;
      },
      { what: "the job's end", deadlineMs: 10_000 },
    );
  const picture = async () => {
    const { remoteId } = await client.submit(input());
    const end = await finished(remoteId);
    assert.ok(end.state === "done");
    const output = end.outputs[0];
    assert.ok(output);
    return output;
  };

  describe("the way that works", () => {
    it("submit, wait, fetch: a real picture of the shape asked for, the same composition, another look", async () => {
      const { remoteId } = await client.submit(input());
      assert.match(remoteId, /^[0-9a-f]{24}$/);
      const end = await finished(remoteId);
      assert.ok(end.state === "done" && end.outputs.length === 1);
      const output = end.outputs[0];
      assert.ok(output && output.kind === "image" && !output.nsfw);
      const made = await client.download(output.url, LIMITS);
      const head = await sharp(made).metadata();
      assert.deepEqual([head.format, head.width, head.height], ["jpeg", 256, 192]);

      const small = (bytes: Uint8Array) =>
        sharp(bytes).resize(32, 24, { fit: "fill" }).removeAlpha().raw().toBuffer();
      const [was, is] = await Promise.all([small(doge), small(made)]);
      const apart = was.reduce((sum, value, i) => sum + Math.abs(value - (is[i] ?? 0)), 0) / was.length;
      assert.ok(apart > 4, `no new look: ${apart}`);
      assert.ok(apart < 50, `another picture: ${apart}`);
    });

    it("a job that has not begun is queued", async () => {
      const slow = await startAitubo({ port: 0, apiKey: KEY, latencyMs: 3_600_000 });
      try {
        const patient = createAitubo({ baseUrl: slow.url, apiKey: KEY, timeoutMs: TIMEOUT_MS });
        const { remoteId } = await patient.submit(input());
        assert.deepEqual(await patient.poll(remoteId), { state: "queued" });
      } finally {
        await slow.close();
      }
    });

    it("the shape asked for is the picture's, at most 1,024 a side, in whole blocks of 8", async () => {
      const { remoteId } = await client.submit({ ...input(), ...sizeFor(1_600, 801) });
      const end = await finished(remoteId);
      assert.ok(end.state === "done" && end.outputs[0]);
      const { width, height } = await sharp(await client.download(end.outputs[0].url, LIMITS)).metadata();
      assert.deepEqual([width, height], [1_024, 512]);
    });

    it("AITubo's own verdict comes along", async () => {
      aitubo.fault({ path: CREATE, kind: "nsfw" });
      assert.equal((await picture()).nsfw, true);
    });

    it("models can be listed", async () => {
      const answer = await fetch(`${aitubo.url}/api/model/list?type=platform`, {
        headers: { authorization: `Bearer ${KEY}` },
      });
      const { code, data } = (await answer.json()) as { code: number; data: { models: { id: string }[] } };
      assert.equal(code, 0);
      assert.match(data.models[0]?.id ?? "", /^[0-9a-f]{24}$/);
    });
  });

  describe("what fails, and of which kind", () => {
    /** The fault, its kind, and whether AITubo may have taken the job. */
    const kinds: [FaultKind, AituboErrorKind, boolean][] = [
      ["400", "permanent", false],
      ["401", "key", false],
      ["402", "credit", false],
      ["403", "key", false],
      ["404", "permanent", false],
      ["429", "rate", false],
      ["500", "retry", true],
      ["503", "rate", false],
      ["code", "retry", true],
      ["code402", "credit", false],
      ["html", "retry", true],
      ["page", "retry", true],
      ["torn", "retry", true],
      ["cut", "retry", true],
    ];
    for (const [fault, kind, unclear] of kinds) {
      it(`${fault} is ${kind}${unclear ? " and unclear" : ""}, when submitting and when asking; the next call works`, async () => {
        aitubo.fault({ path: CREATE, kind: fault });
        assert.equal((await fails(kind, client.submit(input()))).unclear, unclear);
        assert.equal(aitubo.taken, 0);
        const { remoteId } = await client.submit(input());
        aitubo.fault({ path: GET, kind: fault });
        await fails(kind, client.poll(remoteId));
        assert.notEqual((await client.poll(remoteId)).state, "failed");
      });
    }

    it("an answer that is lost after the job was taken is unclear", async () => {
      aitubo.fault({ path: CREATE, kind: "lost" });
      assert.equal((await fails("retry", client.submit(input()))).unclear, true);
      assert.equal(aitubo.taken, 1);
    });

    it("429 says how long to wait", async () => {
      aitubo.fault({ path: CREATE, kind: "429" });
      assert.equal((await fails("rate", client.submit(input()))).retryAfterMs, 2_000);
    });

    it("no answer ends at the time limit", async () => {
      const hasty = createAitubo({ baseUrl: aitubo.url, apiKey: KEY, timeoutMs: 100 });
      aitubo.fault({ path: CREATE, kind: "hang" });
      assert.equal((await fails("retry", hasty.submit(input()))).unclear, true);
    });

    it("nobody there: nothing was sent", async () => {
      const gone = createAitubo({
        baseUrl: `http://127.0.0.1:${await freePort()}`,
        apiKey: KEY,
        timeoutMs: TIMEOUT_MS,
      });
      assert.equal((await fails("retry", gone.submit(input()))).unclear, false);
    });

    it("a wrong key", async () => {
      const stranger = createAitubo({ baseUrl: aitubo.url, apiKey: "api-other", timeoutMs: TIMEOUT_MS });
      await fails("key", stranger.submit(input()));
      await fails("key", stranger.poll("0".repeat(24)));
    });

    it("no prompt, a strength out of range, a job that is not known", async () => {
      await fails("permanent", client.submit({ ...input(), prompt: "" }));
      for (const strength of [0, -1, 1.01]) await fails("permanent", client.submit({ ...input(), strength }));
      await fails("permanent", client.poll("0".repeat(24)));
      await fails("permanent", client.poll("../../x?id=1&"));
    });

    it("credit that is used up; refused orders cost none", async () => {
      await fails("permanent", client.submit({ ...input(), prompt: "" }));
      for (let n = 0; n < 3; n++) await client.submit(input());
      await fails("credit", client.submit(input()));
    });

    it("a job that fails says why", async () => {
      aitubo.fault({ path: CREATE, kind: "failed" });
      const { remoteId } = await client.submit(input());
      assert.deepEqual(await finished(remoteId), { state: "failed", reason: "generate failed" });
    });

    for (const name of ["text", "missing", "moved"]) {
      it(`an input that cannot be fetched or read (${name}) fails the job`, async () => {
        const { remoteId } = await client.submit(input(name));
        assert.equal((await finished(remoteId)).state, "failed");
      });
    }
  });

  describe("faults on command over HTTP", () => {
    const command = (body: unknown, key = KEY) =>
      fetch(`${aitubo.url}/stand-in/faults`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });

    it("happen to the next call of their path, once; without the key or of no known kind they are refused", async () => {
      assert.equal((await command({ path: CREATE, kind: "402" }, "api-other")).status, 401);
      assert.equal((await command({ path: CREATE, kind: "explode" })).status, 400);
      assert.equal((await command({ path: "/elsewhere", kind: "402" })).status, 400);
      assert.equal((await command({ path: CREATE, kind: "402" })).status, 200);
      await fails("credit", client.submit(input()));
      await client.submit(input());
    });
  });

  describe("what is downloaded", () => {
    it("nothing in another way than the API's own", async () => {
      for (const url of ["file:///etc/hosts", "https://127.0.0.1/a.jpg", "not a url"])
        await fails("permanent", client.download(url, LIMITS));
    });

    it("nothing beyond the limit", async () => {
      await fails("permanent", client.download((await picture()).url, { maxBytes: 1_000 }));
    });

    it("nothing that is gone", async () => {
      await fails("permanent", client.download(new URL("images/art/none.jpg", aitubo.url).href, LIMITS));
    });

    it("no page that says it is a picture, no picture that says it is a page, no redirect", async () => {
      const host = await serve((request, response) => {
        if (request.url === "/lie.jpg")
          response.writeHead(200, { "content-type": "image/jpeg" }).end("<html>");
        else if (request.url === "/page") response.writeHead(200, { "content-type": "text/html" }).end(doge);
        else response.writeHead(302, { location: `${memes.url}/doge.png` }).end();
      });
      try {
        const other = createAitubo({ baseUrl: host.url, apiKey: KEY, timeoutMs: TIMEOUT_MS });
        for (const path of ["/lie.jpg", "/page", "/away"])
          await fails("permanent", other.download(`${host.url}${path}`, LIMITS));
      } finally {
        host.server.close();
      }
    });
  });

  describe("answers of another shape", () => {
    const answers: [string, unknown, AituboErrorKind][] = [
      ["no JSON", undefined, "retry"],
      ["no code", { data: { id: "a" } }, "retry"],
      ["no id", { code: 0, data: {} }, "permanent"],
      ["an id that is a number", { code: 0, data: { id: 7 } }, "permanent"],
    ];
    for (const [what, body, kind] of answers) {
      it(`${what} is ${kind}`, async () => {
        const fetchFake: typeof fetch = async () =>
          new Response(body === undefined ? "hello" : JSON.stringify(body));
        const odd = createAitubo(
          { baseUrl: "https://aitubo.test", apiKey: KEY, timeoutMs: TIMEOUT_MS },
          { fetch: fetchFake },
        );
        await fails(kind, odd.submit(input()));
      });
    }

    it("a job that is done without a picture has failed", async () => {
      const fetchFake: typeof fetch = async () =>
        Response.json({
          code: 0,
          data: { status: 2, result: { data: { domain: "https://f.test/", images: [] } } },
        });
      const odd = createAitubo(
        { baseUrl: "https://aitubo.test", apiKey: KEY, timeoutMs: TIMEOUT_MS },
        { fetch: fetchFake },
      );
      assert.equal((await odd.poll("a")).state, "failed");
    });
  });
});
