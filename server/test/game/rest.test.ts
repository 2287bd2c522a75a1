/** Bad input on every REST route: its code, a sentence, and nothing changed. Rules C1, I2, R9; design section 8. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { ERRORS } from "@meme-rounds/shared-schema/errors";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import sharp from "sharp";
import { Player } from "../../../loadtest/src/player.ts";
import { LIMITS, LOOPBACK_FACTOR } from "../../src/infra/limits.ts";
import { type Cluster, startCluster } from "./cluster.ts";

describe("REST", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let ann: Player;
  before(async () => {
    cluster = await startCluster({ roundSeconds: 600 });
    ann = new Player(cluster.url);
    await ann.signIn();
  });
  after(() => cluster?.stop());

  const ask = (method: string, path: string, init: RequestInit = {}) =>
    fetch(`${cluster.url}${path}`, { method, ...init });
  const json = (body: unknown, token?: string): RequestInit => ({
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  const form = (bytes: Uint8Array | undefined, title: string | undefined): RequestInit => {
    const body = new FormData();
    if (title !== undefined) body.set("title", title);
    if (bytes) body.set("file", new Blob([Uint8Array.from(bytes)]), "meme.jpg");
    return { body, headers: { authorization: `Bearer ${ann.token}` } };
  };
  /** The answer must be a problem document with this code and the status of the registry. */
  async function refused(code: keyof typeof ERRORS, response: Response): Promise<void> {
    assert.match(response.headers.get("content-type") ?? "", /application\/problem\+json/);
    const problem = problemSchema.parse(await response.json());
    assert.equal(problem.code, code, problem.detail);
    assert.equal(response.status, ERRORS[code].status);
    assert.ok(problem.detail.length > 0 && problem.advice.length > 0);
  }

  const address = () => ann.address;
  const cases: [string, keyof typeof ERRORS, () => Promise<Response>][] = [
    ["challenge without a body", "BAD_REQUEST", () => ask("POST", "/api/auth/challenge")],
    ["challenge with broken JSON", "BAD_REQUEST", () => ask("POST", "/api/auth/challenge", json("{"))],
    [
      "challenge with a foreign field",
      "BAD_REQUEST",
      () =>
        ask(
          "POST",
          "/api/auth/challenge",
          json({ wallet: "manual", address: address(), playKey: ann.playKey, admin: true }),
        ),
    ],
    [
      "challenge for a wallet nobody knows",
      "BAD_REQUEST",
      () =>
        ask(
          "POST",
          "/api/auth/challenge",
          json({ wallet: "nonesuch", address: address(), playKey: ann.playKey }),
        ),
    ],
    [
      "verify with an unknown nonce",
      "CHALLENGE_EXPIRED",
      () =>
        ask(
          "POST",
          "/api/auth/verify",
          json({ nonce: "x".repeat(32), signature: "y".repeat(88), playSig: "0".repeat(128) }),
        ),
    ],
    [
      "verify with a short signature",
      "BAD_REQUEST",
      () =>
        ask(
          "POST",
          "/api/auth/verify",
          json({ nonce: "x".repeat(32), signature: "y", playSig: "0".repeat(128) }),
        ),
    ],
    [
      "refresh with nonsense",
      "REFRESH_INVALID",
      () => ask("POST", "/api/auth/refresh", json({ refreshToken: "nonsense-nonsense" })),
    ],
    ["me without a token", "AUTH_REQUIRED", () => ask("GET", "/api/me")],
    [
      "me with a forged token",
      "TOKEN_INVALID",
      () => ask("GET", "/api/me", { headers: { authorization: "Bearer a.b.c" } }),
    ],
    [
      "a name of 33 characters",
      "BAD_REQUEST",
      () => ask("PATCH", "/api/me", json({ name: "x".repeat(33) }, ann.token)),
    ],
    ["a slur for a name", "NAME_REFUSED", () => ask("PATCH", "/api/me", json({ name: "n1gg3r" }, ann.token))],
    ["sessions without a token", "AUTH_REQUIRED", () => ask("GET", "/api/auth/sessions")],
    [
      "an unknown session",
      "SESSION_UNKNOWN",
      () => ask("DELETE", "/api/auth/sessions/nope", json({}, ann.token)),
    ],
    ["upload without a token", "AUTH_REQUIRED", () => ask("POST", "/api/content")],
    ["upload that is no form", "BAD_REQUEST", () => ask("POST", "/api/content", json({}, ann.token))],
    [
      "upload without a picture",
      "PICTURE_EMPTY",
      () => ask("POST", "/api/content", form(undefined, "Title")),
    ],
    [
      "upload of text",
      "PICTURE_TYPE_UNSUPPORTED",
      () => ask("POST", "/api/content", form(Buffer.from("<html><script>"), "Title")),
    ],
    [
      "upload of SVG",
      "PICTURE_TYPE_UNSUPPORTED",
      () =>
        ask("POST", "/api/content", form(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), "Title")),
    ],
    [
      "upload of 50 MB",
      "PICTURE_TOO_LARGE",
      () => ask("POST", "/api/content", form(new Uint8Array(50 * 1024 * 1024), "Title")),
    ],
    [
      "upload of 10.02 MB",
      "PICTURE_TOO_LARGE",
      () => ask("POST", "/api/content", form(new Uint8Array(10 * 1024 * 1024 + 20_000), "Title")),
    ],
    [
      "upload of a picture bomb",
      "PICTURE_TOO_MANY_PIXELS",
      async () => {
        const bomb = await sharp({
          create: { width: 12_000, height: 12_000, channels: 3, background: "#fff" },
        })
          .png()
          .toBuffer();
        return await ask("POST", "/api/content", form(bomb, "Bomb"));
      },
    ],
    [
      "upload without a title",
      "TITLE_INVALID",
      async () =>
        ask(
          "POST",
          "/api/content",
          form(await readFile(new URL("../fixtures/memes/doge.png", import.meta.url)), " "),
        ),
    ],
    [
      "somebody else's content",
      "CONTENT_UNKNOWN",
      () => ask("GET", "/api/content/none", { headers: { authorization: `Bearer ${ann.token}` } }),
    ],
    ["an arena that is not there", "ROUND_NONE", () => ask("GET", "/api/rounds/current?arena=nowhere")],
    ["a cursor that is no number", "BAD_REQUEST", () => ask("GET", "/api/rounds?cursor=abc")],
    ["an unknown round", "ROUND_UNKNOWN", () => ask("GET", "/api/rounds/main-1")],
    ["an unknown round's journal", "ROUND_UNKNOWN", () => ask("GET", "/api/rounds/main-1/journal")],
    ["an unknown round's proof", "ROUND_UNKNOWN", () => ask("GET", "/api/rounds/main-1/proof")],
    ["gallery with a bad cursor", "BAD_REQUEST", () => ask("GET", "/api/gallery?cursor=-3")],
    ["utxos of no address", "BAD_REQUEST", () => ask("GET", "/api/wallet/notanaddress/utxos")],
    ["a transaction id that is none", "BAD_REQUEST", () => ask("GET", "/api/wallet/tx/xyz")],
    [
      "broadcast of what is no hex",
      "BAD_REQUEST",
      () => ask("POST", "/api/wallet/broadcast", json({ tx: "zz" })),
    ],
    [
      "broadcast of what is no transaction",
      "BAD_REQUEST",
      () => ask("POST", "/api/wallet/broadcast", json({ tx: "00" })),
    ],
    [
      "faucet with too much",
      "BAD_REQUEST",
      () => ask("POST", "/api/wallet/faucet", json({ address: address(), sats: 10_000_000 })),
    ],
    [
      "a seat in an arena that is not there",
      "ROUND_NONE",
      () => ask("GET", "/api/audience/seat?arena=nowhere"),
    ],
    ["a path nobody serves", "NOT_FOUND", () => ask("GET", "/api/nothing/here")],
    ["media that is not there", "NOT_FOUND", () => ask("GET", `/media/${"ab".repeat(32)}`)],
    ["media with a path trick", "NOT_FOUND", () => ask("GET", "/media/..%2f..%2fetc%2fpasswd")],
  ];
  for (const [what, code, act] of cases) it(`${what}: ${code}`, async () => refused(code, await act()));

  it("I5: a limited route says so, with when to come back", async () => {
    // This machine's own callers have wider limits where things are tried out.
    const most = LIMITS.challenge.points * LOOPBACK_FACTOR + 1;
    let last = await ask("POST", "/api/auth/challenge", json({}));
    for (let i = 0; i < most && last.status !== 429; i++)
      last = await ask("POST", "/api/auth/challenge", json({}));
    assert.ok(Number(last.headers.get("retry-after")) > 0);
    await refused("RATE_LIMITED", last);
  });

  it("OpenAPI 3.1 at /api/openapi.json names every route, and each of its codes is in /api/errors", async () => {
    const doc = (await (await ask("GET", "/api/openapi.json")).json()) as {
      openapi: string;
      paths: Record<string, object>;
    };
    assert.equal(doc.openapi, "3.1.0");
    for (const path of [
      "/api/auth/challenge",
      "/api/content",
      "/api/rounds/{id}/journal",
      "/api/wallet/{address}/utxos",
      "/api/audience/seat",
    ])
      assert.ok(doc.paths[path], path);
    const errors = (await (await ask("GET", "/api/errors")).json()) as Record<string, unknown>;
    const named = JSON.stringify(doc).matchAll(/\b([A-Z]+(?:_[A-Z]+)+): /g);
    for (const [, code] of named) assert.ok(code !== undefined && code in errors, code);
    assert.match(await (await ask("GET", "/api/docs")).text(), /Meme Rounds API/);
  });

  it("page and JSON are sent compressed, media as they are", async () => {
    const page = await ask("GET", "/");
    const asset = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? "";
    for (const path of [asset, "/api/openapi.json"])
      assert.ok((await ask("GET", path)).headers.has("content-encoding"), path);
    const { memeId } = await ann.upload(
      await readFile(new URL("../fixtures/memes/doge.png", import.meta.url)),
      "Doge",
    );
    assert.ok(!(await ask("GET", `/media/${memeId}`)).headers.has("content-encoding"));
  });

  it("a key nobody signed in with has no way in", async () => {
    const stranger = new Player(cluster.url, new Uint8Array(randomBytes(32)));
    await assert.rejects(stranger.upload(new Uint8Array(10), "x"), /AUTH_REQUIRED/);
  });
});
