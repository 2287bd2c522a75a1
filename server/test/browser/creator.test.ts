/**
 * From a photo to a meme in the round, on a phone: crop, words, verdict, shape with its preview, entering.
 * Rules C1, C2, C3, R2, E1.
 */
import assert from "node:assert/strict";
import { publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { okAnswer, snapshotSchema } from "@meme-rounds/shared-schema/rest";
import { reviewQueueAnswer } from "@meme-rounds/shared-schema/rest-content";
import sharp from "sharp";
import { Player } from "../../../loadtest/src/player.ts";
import { type Cluster, startCluster } from "../game/cluster.ts";
import { until } from "../support/wait.ts";
import { type Browser, keepPicture, satsOf, startBrowser } from "./page.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const MODERATOR = new Uint8Array(32).fill(7);
/** Drawn, without any words: somebody before a wall. */
const photo = (): Promise<Buffer> =>
  sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="2400" height="1800">
      <defs><linearGradient id="w" x2="1" y2="1"><stop stop-color="#5b7fa6"/><stop offset="1" stop-color="#8fb0a0"/></linearGradient></defs>
      <rect width="2400" height="1800" fill="url(#w)"/><ellipse cx="1200" cy="1700" rx="620" ry="520" fill="#8c2f39"/>
      <ellipse cx="1200" cy="860" rx="330" ry="420" fill="#e0aa82"/><path d="M860 820a340 400 0 0 1 680 0q-340-240-680 0z" fill="#3b2417"/>
      <circle cx="1080" cy="850" r="44" fill="#222"/><circle cx="1320" cy="850" r="44" fill="#222"/>
      <path d="M1060 1060q140 110 280 0" stroke="#822" stroke-width="30" fill="none"/></svg>`),
  )
    .jpeg()
    .toBuffer();

describe("the page makes a meme of a photo", function () {
  this.timeout(180_000);
  let cluster: Cluster;
  let browser: Browser;
  before(async () => {
    const identity = `ecdsa-secp256k1:${publicKeyOf(MODERATOR)}`;
    cluster = await startCluster({ roundSeconds: 120, admins: [identity] });
    browser = await startBrowser(cluster.url);
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const current = async () =>
    snapshotSchema.parse(await (await fetch(`${cluster.url}/api/rounds/current`)).json());

  it("C1, C2, C3, E1: photo, crop, words, verdict, preview of a shape, in the ring", async () => {
    const { page, errors } = await browser.person(PHONE);
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("faucet").click();
    await until(async () => (await satsOf(page, "balance")) > 0, { deadlineMs: 20_000, what: "coins" });
    await until(async () => (await current()).depositsCloseAt - Date.now() > 45_000, {
      deadlineMs: 90_000,
      what: "a fresh round",
    });
    await page.getByTestId("deposit-amount").fill("15000");
    await page.getByTestId("deposit").click();
    await until(async () => (await satsOf(page, "in-round")) > 0, { deadlineMs: 15_000, what: "a deposit" });
    await page.keyboard.press("Escape");

    await page.getByTestId("enter-open").first().click();
    await keepPicture(page, "creator-1-empty");
    const file = page.getByTestId("enter-file");
    const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1");
    await file.setInputFiles({ name: "IMG_1.HEIC", mimeType: "image/heic", buffer: heic });
    await page.getByTestId("enter-trouble").filter({ hasText: "HEIC" }).waitFor();
    const broken = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(500)]);
    await file.setInputFiles({ name: "broken.jpg", mimeType: "image/jpeg", buffer: broken });
    await page.getByTestId("enter-trouble").filter({ hasText: "cannot be opened" }).waitFor();
    await keepPicture(page, "creator-2-trouble");

    await file.setInputFiles({ name: "IMG_2.jpg", mimeType: "image/jpeg", buffer: await photo() });
    await page.getByTestId("enter-edit").click();
    await page.getByTestId("editor-crop").click();
    await page.getByTestId("editor-shape-1:1").click();
    await page.locator(".ReactCrop__crop-selection").waitFor();
    await keepPicture(page, "creator-3-crop");
    await page.getByTestId("editor-crop").click();
    await page.getByTestId("editor-top").fill("when the photo");
    await page.getByTestId("editor-bottom").fill("becomes a sculpture");
    await keepPicture(page, "creator-4-words");
    await page.getByTestId("editor-done").click();
    await page.getByTestId("enter-title").fill("My own face");
    await keepPicture(page, "creator-5-title");
    const sent = page.waitForRequest((one) => one.method() === "POST" && one.url().endsWith("/api/content"));
    await page.getByTestId("enter-upload").click();
    await sent;
    await page.locator('[data-testid="enter-verdict"][data-status="approved"]').waitFor();
    await page.getByTestId("shape-preview").waitFor({ timeout: 40_000 });
    await page.getByTestId("shape-relief").click({ force: true });
    await page.locator('[data-testid="shape"][data-mode="relief"]').waitFor();
    await page.locator('[data-testid="shape-preview"][data-made="relief"]').waitFor({ timeout: 40_000 });
    await page.getByTestId("shape").scrollIntoViewIfNeeded();
    await keepPicture(page, "creator-6-shape");
    await page.getByTestId("shape-open").click();
    await page.getByTestId("viewer").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("viewer").waitFor({ state: "detached" });
    await page.getByTestId("enter-submit").click();
    await page.getByTestId("enter-submit").waitFor({ state: "detached" });

    const entered = await until(
      async () => (await current()).memes.find((one) => one.title === "My own face"),
      {
        what: "the meme in the round",
      },
    );
    const stored = Buffer.from(await (await fetch(`${cluster.url}${entered.image}`)).arrayBuffer());
    const { width, height } = await sharp(stored).metadata();
    assert.deepEqual([width, height], [1_600, 1_600]);
    assert.deepEqual(errors, []);
  });

  it("C2: a refused title is said why; an appeal reaches a moderator, whose word shows without another upload", async () => {
    const { page } = await browser.person(DESK);
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("faucet").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("enter-open").first().click();
    await page
      .getByTestId("enter-file")
      .setInputFiles({ name: "IMG_3.jpg", mimeType: "image/jpeg", buffer: await photo() });
    await page.getByTestId("enter-title").fill("kill yourself");
    await page.getByTestId("enter-upload").click();
    await page.locator('[data-testid="enter-verdict"][data-status="rejected"]').waitFor();
    await page.getByTestId("appeal-open").click();
    await page.getByTestId("appeal-text").fill("It is a line of a film.");
    await keepPicture(page, "creator-appeal-1440");
    await page.getByTestId("appeal-send").click();
    await page.getByTestId("enter-recheck").waitFor();

    const moderator = new Player(cluster.url, MODERATOR);
    await moderator.signIn();
    const { items } = await moderator.call(reviewQueueAnswer, "GET", "/admin/queue");
    const [appeal] = items.filter(({ kind }) => kind === "appeal");
    assert.equal(appeal?.text, "It is a line of a film.");
    const decision = { verdict: "approve", reason: "a quotation" };
    await moderator.call(okAnswer, "POST", `/admin/queue/${appeal?.id}`, decision);
    await page.getByTestId("enter-recheck").click();
    await page.locator('[data-testid="enter-verdict"][data-status="approved"]').waitFor();
    await keepPicture(page, "creator-granted-1440");
  });
});
