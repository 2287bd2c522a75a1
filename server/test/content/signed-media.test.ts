/** Addresses of pictures that AITubo fetches (C8), through the content service's own router. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import express from "express";
import { signedMediaRouter, signedMediaUrl } from "../../src/content/media/signed.ts";
import type { Media } from "../../src/content/media/store.ts";
import { createLogger } from "../../src/infra/logger.ts";

const SECRET = "a secret of at least thirty-two bytes";
const HOUR = 3_600_000;

describe("signed addresses of pictures (C8)", () => {
  const bytes = Buffer.from("RIFF....WEBP");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  let server: Server;
  let publicUrl = "";
  let now = 1_800_000_000_000;

  before(async () => {
    const media = {
      get: async (asked: string): Promise<Media | undefined> =>
        asked === sha256 ? { bytes, type: "image/webp" } : undefined,
    };
    const app = express();
    const logger = createLogger("test", "silent");
    app.use("/media", signedMediaRouter(SECRET, { media, logger, now: () => now }));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    publicUrl = `http://127.0.0.1:${address.port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const signed = (of = sha256, secret = SECRET) => signedMediaUrl({ secret, publicUrl }, of, now);
  async function refused(url: string, code = "MEDIA_LINK_INVALID"): Promise<void> {
    const answer = await fetch(url);
    const problem = (await answer.json()) as { code: string };
    assert.equal(problem.code, code, url);
    assert.equal(answer.headers.get("cache-control"), "no-store");
  }

  it("opens for an hour, and is kept by no cache", async () => {
    const url = signed();
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
    assert.equal(answer.headers.get("content-type"), "image/webp");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    now += HOUR;
    assert.equal((await fetch(url)).status, 200);
    now += 1;
    await refused(url);
  });

  it("is refused when anything in it was changed, or another key signed it", async () => {
    const change = (name: string, value: string) => {
      const url = new URL(signed());
      url.searchParams.set(name, value);
      return url.href;
    };
    const { searchParams } = new URL(signed());
    const sig = searchParams.get("sig") ?? "";
    await refused(change("until", String(now + 2 * HOUR)));
    await refused(
      change(
        "sig",
        sig.replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
      ),
    );
    await refused(change("sig", sig.slice(2)));
    await refused(change("sig", ""));
    await refused(change("until", "99999999999999999999"));
    await refused(signed().replace(sha256, "0".repeat(64)));
    await refused(signed().replace(sha256, "x"));
    await refused(signed(sha256, "another secret of thirty-two bytes!"));
    await refused(`${publicUrl}/media/signed/${sha256}`);
    await refused(`${signed()}&sig=${sig}`);
  });

  it("what is not there any more, taken down or not, is not found", async () => {
    await refused(signed("0".repeat(64)), "NOT_FOUND");
  });

  it("a public address with a path of its own keeps it", () => {
    for (const base of ["https://memes.example/play", "https://memes.example/play/"])
      assert.match(
        signedMediaUrl({ secret: SECRET, publicUrl: base }, sha256, now),
        /^https:\/\/memes\.example\/play\/media\/signed\/[0-9a-f]{64}\?until=\d+&sig=[0-9a-f]{64}$/,
      );
  });
});
