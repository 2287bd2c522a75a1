/** C7: the page of a meme as messengers and crawlers read it, and its card. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import express from "express";
import fc from "fast-check";
import sharp from "sharp";
import { MediaStore } from "../../src/content/media/store.ts";
import { createCards } from "../../src/content/share/card.ts";
import { escapeHtml, headOf, withHead } from "../../src/content/share/head.ts";
import { shareRouter } from "../../src/content/share/routes.ts";
import { createLimiter } from "../../src/infra/limiter.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { bindWeb } from "../../src/web.ts";
import { startRedis } from "../support/redis.ts";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta
      name="description"
      content="A live game."
    />
    <title>Meme Rounds</title>
    <script type="module" src="/assets/index.js"></script>
  </head>
  <body><div id="root"></div></body>
</html>`;
const logger = createLogger("test", "silent");
const ROUND = "main-1795374000";
const TITLES = [
  `<script>alert(1)</script>`,
  `"><script>alert(1)</script>`,
  `' onmouseover='alert(1)`,
  "</title></head><body onload=alert(1)>",
  "$& $` $' $1 $<a>",
  "\u202egnp.exe & <b>bold</b>",
  "猫 & 🐸 `tick`",
];

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const picture = (name: string) => readFile(new URL(`./pictures/${name}`, import.meta.url));

type Meme = RoundDetail["memesRanked"][number];

/** The content of the meta tags with this name, entities decoded. */
function metaOf(html: string, name: string): string[] {
  const tags = [...html.matchAll(/<meta (?:name|property)="([^"]*)" content="([^"]*)" \/>/g)];
  const text = (value: string) =>
    value
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&#96;", "`")
      .replaceAll("&amp;", "&");
  return tags.flatMap(([, key, value]) => (key === name && value !== undefined ? [text(value)] : []));
}

describe("a meme's page for others (C7)", function () {
  this.timeout(30_000);
  let server: Awaited<ReturnType<typeof startRedis>>;
  let redis: Redis;
  let media: MediaStore;
  let http: Server;
  let url: string;
  let round: RoundDetail;
  let meme: Meme;
  const asked: string[] = [];

  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    media = new MediaStore(redis);
    const flat = await sharp(await picture("cat-captions.jpg"))
      .webp()
      .toBuffer();
    const poster = await sharp(await picture("frog-white-eyes.jpg"))
      .resize(720, 720, { fit: "cover" })
      .webp()
      .toBuffer();
    for (const bytes of [flat, poster]) await media.put(bytes, "image/webp");
    const posterPath = `/media/${sha256Of(poster)}`;
    meme = {
      memeId: sha256Of(flat),
      title: "Wow",
      image: `/media/${sha256Of(flat)}`,
      rank: 1,
      winner: true,
      boostSats: 12_345,
      backers: 7,
      model: {
        memeId: sha256Of(flat),
        glb: posterPath,
        poster: posterPath,
        turntable: posterPath,
        provider: "local",
      },
    };
    round = {
      roundId: ROUND,
      arena: "main",
      opensAt: 0,
      closesAt: 600_000,
      outcome: "closed",
      pot: 54_321,
      players: 9,
      memes: 1,
      settlement: "mined",
      journalHash: "0".repeat(64),
      memesRanked: [meme],
      payouts: [],
      fee: 0,
      seatFees: 0,
      carryIn: 0,
      carryOut: 0,
      txids: [],
      settled: [],
    };
    const app = express();
    const deps = {
      finished: async (roundId: string) => {
        asked.push(roundId);
        return roundId === ROUND ? round : undefined;
      },
      ...createCards({ redis, media }),
      readPage: async () => PAGE,
      logger,
    };
    app.use("/m", shareRouter({}, deps));
    app.use("/public/m", shareRouter({ publicUrl: "https://memes.example/" }, deps));
    http = createServer(app);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  after(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    redis.disconnect();
    await server.close();
  });
  beforeEach(() => {
    round = { ...round, outcome: "closed", memesRanked: [meme] };
  });

  const show = (change: Partial<Meme>): void => {
    round = { ...round, memesRanked: [{ ...meme, ...change }] };
  };
  const path = (base = "/m") => `${base}/${ROUND}/${meme.memeId}`;
  const get = async (address: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${address}`, { headers });
    return { response, html: await response.text() };
  };

  it("C7: has title, result, canonical address and a large card, all absolute", async () => {
    const { response, html } = await get(path("/public/m"));
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
    assert.equal(response.headers.get("cache-control"), "no-cache");
    const address = `https://memes.example/m/${ROUND}/${meme.memeId}`;
    assert.ok(html.includes("<title>Wow · Meme Rounds</title>"));
    assert.ok(html.includes(`<link rel="canonical" href="${address}" />`));
    assert.deepEqual(metaOf(html, "og:title"), ["Wow"]);
    assert.deepEqual(metaOf(html, "og:url"), [address]);
    assert.deepEqual(metaOf(html, "twitter:card"), ["summary_large_image"]);
    assert.deepEqual(metaOf(html, "description"), [
      "Won its round, backed with 12,345 sat by 7 backers, for a pot of 54,321 sat. Turn it in 3D, or put it on your table.",
    ]);
    for (const name of ["og:image", "twitter:image"])
      assert.match(metaOf(html, name)[0] ?? "", new RegExp(`^${address}/card\\.jpg\\?v=[0-9a-f]{8}$`));
    // The page itself is untouched: it starts as it always does.
    assert.ok(html.includes('<script type="module" src="/assets/index.js"></script>'));
    assert.equal(html.match(/<title>/g)?.length, 1);
  });

  it("C7: without PUBLIC_URL the request's own host counts, unless it is no host", async () => {
    const { html } = await get(path());
    assert.deepEqual(metaOf(html, "og:url"), [`${url}${path()}`]);
    const { get: request } = await import("node:http");
    const answer = await new Promise<string>((resolve, reject) => {
      request(`${url}${path()}`, { headers: { host: 'x"><script>' } }, (response) => {
        let text = "";
        response.on("data", (part) => {
          text += part;
        });
        response.on("end", () => resolve(text));
      }).on("error", reject);
    });
    assert.deepEqual(metaOf(answer, "og:url"), [path()]);
  });

  for (const title of TITLES)
    it(`C7: the title ${JSON.stringify(title)} stays text`, async () => {
      show({ title });
      const { html } = await get(path());
      const shown = title.replaceAll("\u202e", " ");
      assert.deepEqual(metaOf(html, "og:title"), [shown]);
      assert.deepEqual(metaOf(html, "og:image:alt"), [`${shown}, the meme and its 3D model`]);
      assert.equal(html.match(/<script/g)?.length, 1, "one script: the page's own");
      assert.equal(html.match(/<\/head>/g)?.length, 1);
      assert.ok(!html.includes("<body onload"));
    });

  it("C7: whatever a title is, it adds no tag and no attribute", () => {
    const signs = fc.constantFrom(..."<>\"'&`=/ $\\\n\u2028\u202eax".split(""));
    fc.assert(
      fc.property(fc.array(signs, { minLength: 1, maxLength: 40 }), (parts) => {
        const tagsOf = (title: string) =>
          withHead(PAGE, headOf(round, { ...meme, title }, "https://a.example")).match(/<[a-z!/]/g)?.length;
        assert.equal(tagsOf(parts.join("")), tagsOf("x"));
        assert.ok(!/[<>"'`]/.test(escapeHtml(parts.join(""))));
      }),
      { numRuns: 300 },
    );
  });

  it("C7 C6: unknown, live, malformed and taken-down memes are 404, with the page to say so", async () => {
    const wrong = [
      `/m/main-1/${meme.memeId}`,
      `/m/${ROUND}/${"0".repeat(64)}`,
      `/m/${ROUND}/abc`,
      `/m/..%2f..%2f/${meme.memeId}`,
      `/m/a*b-1/${meme.memeId}`,
    ];
    asked.length = 0;
    for (const address of wrong) {
      const { response, html } = await get(address);
      assert.equal(response.status, 404, address);
      assert.ok(html.includes('<div id="root">') && html.includes("noindex"), address);
      assert.deepEqual(metaOf(html, "og:title"), []);
    }
    assert.deepEqual(asked, ["main-1", ROUND], "no lookup under a malformed id");
    show({ title: "", image: "", takenDown: true });
    assert.equal((await get(path())).response.status, 404);
    assert.equal((await get(`${path()}/card.jpg`)).response.status, 404);
  });

  it("R12: a reported meme's page names no picture, and its card is not there", async () => {
    show({ blurred: true });
    const { response, html } = await get(path());
    assert.equal(response.status, 200);
    assert.deepEqual(metaOf(html, "og:image"), []);
    assert.deepEqual(metaOf(html, "twitter:card"), ["summary"]);
    assert.equal((await get(`${path()}/card.jpg`)).response.status, 404);
  });

  it("C7: the card is a JPEG of 1200 x 630, drawn once, asked for again by its tag", async () => {
    const first = await fetch(`${url}${path()}/card.jpg`);
    const bytes = Buffer.from(await first.arrayBuffer());
    const { format, width, height } = await sharp(bytes).metadata();
    assert.deepEqual([first.status, format, width, height], [200, "jpeg", 1_200, 630]);
    assert.equal(first.headers.get("content-type"), "image/jpeg");
    assert.ok(bytes.length < 300_000, `${bytes.length} bytes: messengers give up on large ones`);
    const etag = first.headers.get("etag") ?? "";
    const again = await fetch(`${url}${path()}/card.jpg`, {
      // Named here, since fetch itself would ask past every cache.
      headers: { "If-None-Match": etag, "Cache-Control": "max-age=0" },
    });
    assert.equal(again.status, 304);
    // Both halves are drawn: neither is the plain ground.
    for (const left of [120, 700]) {
      const { entropy } = await sharp(bytes).extract({ left, top: 120, width: 300, height: 300 }).stats();
      assert.ok(entropy > 4, `${left}: entropy ${entropy}`);
    }
    // Kept: the pictures can go, the card is still there.
    const keys = await redis.keys("mr:card:*");
    assert.equal(keys.length, 1);
    assert.ok((await redis.ttl(keys[0] ?? "")) > 3_600);
  });

  it("C7: the page's own catch-all comes after it, and only where the page is", async () => {
    const pageDir = await mkdtemp(join(tmpdir(), "page-"));
    await writeFile(join(pageDir, "index.html"), PAGE);
    const share = shareRouter(
      {},
      { finished: async () => undefined, cardOf: async () => undefined, readPage: async () => PAGE, logger },
    );
    const statusesOf = async (options: { pageDir?: string }) => {
      const app = express();
      bindWeb(
        app,
        { trustProxy: "", ...options },
        {
          routes: [],
          share,
          authenticate: async () => {
            throw new Error("nobody signs in here");
          },
          limiter: createLimiter(redis),
          logger,
          ready: async () => true,
        },
      );
      const other = createServer(app);
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const base = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const statuses = await Promise.all(
        [path(), "/gallery"].map(async (address) => (await fetch(`${base}${address}`)).status),
      );
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
      return statuses;
    };
    assert.deepEqual(await statusesOf({ pageDir }), [404, 200]);
    assert.deepEqual(await statusesOf({}), [404, 404]);
    await rm(pageDir, { recursive: true });
  });

  it("C7: before there is a model the card is the meme, under another address", async () => {
    const { model: _model, ...flat } = meme;
    round = { ...round, memesRanked: [flat] };
    const { html } = await get(path());
    assert.deepEqual(metaOf(html, "og:image"), [`${url}${path()}/card.jpg`]);
    const card = await fetch(`${url}${path()}/card.jpg`);
    assert.equal(card.status, 200);
    const { width, height } = await sharp(Buffer.from(await card.arrayBuffer())).metadata();
    assert.deepEqual([width, height], [1_200, 630]);
  });

  it("C7: a card whose picture is gone is 404, and not remembered", async () => {
    const memeId = "ab".repeat(32);
    show({ memeId });
    const { response } = await get(`/m/${ROUND}/${memeId}/card.jpg`);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("cache-control"), "no-store");
  });
});
