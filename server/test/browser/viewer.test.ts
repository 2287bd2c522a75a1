/** C7 in a real browser: gallery, viewer, the page of a meme. */
import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";
import { until } from "../support/wait.ts";
import { type GallerySite, serveGallery } from "./gallery-site.ts";
import { type Browser, keepPicture, startBrowser } from "./page.ts";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
/** Where the layout is not what is looked at: each pixel of a model costs time here. */
const SMALL = { width: 420, height: 420 };
const HOSTILE = `<script>document.title="owned"</script> & "such" 'depth'`;
/** A software renderer draws here: the first frame takes seconds. */
const DRAWN = { deadlineMs: 60_000, what: "a model on the stage" };

interface Seen {
  page: Page;
  context: BrowserContext;
  errors: string[];
  /** Requests to anybody but the site. */
  strangers: string[];
  has(path: RegExp): boolean;
}

describe("models are looked at", function () {
  this.timeout(180_000);
  let site: GallerySite;
  let browser: Browser;
  before(async () => {
    site = await serveGallery([
      { name: "plant-light.jpg", title: "Such plant. Very leaf. Wow" },
      { name: "cat-captions.jpg", title: HOSTILE },
      { name: "house-plain.webp", title: "Just a house" },
    ]);
    browser = await startBrowser(`${site.url}/rounds`);
  });
  afterEach(() => browser.everybodyLeaves());
  after(async () => {
    await browser?.close();
    await site?.close();
  });
  beforeEach(() => {
    site.failing.clear();
    site.asked.clear();
  });

  const memeAt = (at: number) => {
    const meme = site.round.memesRanked[at];
    assert.ok(meme);
    return meme;
  };
  const modelAt = (at: number) => {
    const { model } = memeAt(at);
    assert.ok(model);
    return model;
  };
  const pathOf = (at: number) => `/m/${site.round.roundId}/${memeAt(at).memeId}`;
  const visit = async (
    path: string,
    size = SMALL,
    motion: "reduce" | "no-preference" = "reduce",
    /** Runs in the page before anything of it. */
    first?: string,
  ) => {
    const { page, context, errors } = await browser.person(size);
    if (first !== undefined) await page.addInitScript(first);
    await page.emulateMedia({ reducedMotion: motion });
    const strangers: string[] = [];
    const paths: string[] = [];
    context.on("request", (request) => {
      const { origin, pathname, protocol } = new URL(request.url());
      if (origin !== site.url && !/^(data|blob):$/.test(protocol)) strangers.push(request.url());
      paths.push(pathname);
    });
    await page.goto(`${site.url}${path}`);
    const seen: Seen = {
      page,
      context,
      errors,
      strangers,
      has: (what) => paths.some((one) => what.test(one)),
    };
    return seen;
  };
  const stateOf = async (page: Page) => await page.getByTestId("viewer").getAttribute("data-state");
  const drawn = (page: Page) => until(async () => (await stateOf(page)) === "ready", DRAWN);
  /** Nothing of the page is wider than the window. */
  const fits = async (page: Page): Promise<boolean> =>
    await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth");
  const ask = async <T>(page: Page, script: string): Promise<T> =>
    (await page.evaluate(
      `(() => { const v = document.querySelector("model-viewer"); return ${script}; })()`,
    )) as T;

  for (const [size, name] of [
    [DESK, "1440"],
    [PHONE, "390"],
  ] as const)
    it(`C7: a meme's page shows its model, asks nobody else, and fits (${name})`, async () => {
      const seen = await visit(pathOf(0), size);
      const { page } = seen;
      await drawn(page);
      assert.equal(await page.title(), `${memeAt(0).title} · Meme Rounds`);
      assert.ok(await fits(page), "the page is wider than the window");
      assert.equal(await page.getByTestId("viewer-ar").isVisible(), false, "no AR on this device");
      assert.deepEqual(seen.strangers, []);
      assert.deepEqual(seen.errors, []);
      assert.equal(await ask<boolean>(page, "v.modelIsVisible && v.loaded"), true);
      await keepPicture(page, `meme-page-${name}`);
      await page.getByTestId("verify-link").locator("visible=true").click();
      assert.equal(new URL(page.url()).pathname, `/rounds/${site.round.roundId}/verify`);
      await seen.context.close();
    });

  it("C7: the renderer is not fetched before a model is opened; posters are enough for the gallery", async () => {
    const seen = await visit("/gallery");
    const { page } = seen;
    await page.getByTestId("gallery-item").first().waitFor();
    await until(async () => (await page.locator("[data-testid=gallery-item] img").count()) === 2, {
      deadlineMs: 10_000,
      what: "posters",
    });
    assert.equal(seen.has(/model-stage/), false);
    assert.equal(site.asked.has(modelAt(0).glb), false);
    assert.equal(site.asked.has(modelAt(0).turntable), false);
    await keepPicture(page, "gallery-1440");
    assert.equal(await page.locator("canvas, model-viewer").count(), 0);
    await page
      .getByRole("button", { name: /open in 3D/ })
      .first()
      .click();
    await drawn(page);
    assert.equal(seen.has(/model-stage/), true);
    await keepPicture(page, "viewer-sheet-1440");
    await page.keyboard.press("Escape");
    await page.getByTestId("viewer").waitFor({ state: "detached" });
    await page.getByTestId("meme-link").last().click();
    await page.getByTestId("meme-page").waitFor();
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), HOSTILE);
    assert.notEqual(await page.title(), "owned");
    await seen.context.close();
  });

  it("C7: a poster turns under the pointer and with focus, and not for who wants stillness", async () => {
    const { page, context } = await visit("/gallery", DESK, "no-preference");
    const poster = page.getByRole("button", { name: /open in 3D/ }).first();
    await poster.hover();
    await until(async () => site.asked.has(modelAt(0).turntable), { deadlineMs: 5_000, what: "a turntable" });
    assert.equal(await poster.getAttribute("data-turning"), "true");
    await page.mouse.move(2, 2);
    assert.equal(await poster.getAttribute("data-turning"), "false");
    await poster.focus();
    assert.equal(await poster.getAttribute("data-turning"), "true");
    await page.emulateMedia({ reducedMotion: "reduce" });
    await until(async () => (await poster.getAttribute("data-turning")) === "false", {
      deadlineMs: 5_000,
      what: "stillness",
    });
    await context.close();
  });

  it("C7: on a touch screen a poster turns while it stands in the middle of the window", async () => {
    const { page, context } = await visit("/rounds", PHONE, "no-preference");
    const device = await context.newCDPSession(page);
    await device.send("Emulation.setTouchEmulationEnabled", { enabled: true });
    await device.send("Emulation.setDeviceMetricsOverride", { ...PHONE, deviceScaleFactor: 1, mobile: true });
    assert.equal(await page.evaluate("matchMedia('(hover: hover)').matches"), false);
    await page.getByRole("link", { name: "Gallery" }).click();
    const poster = page.getByRole("button", { name: /open in 3D/ }).first();
    await until(async () => (await poster.getAttribute("data-turning")) === "true", {
      deadlineMs: 10_000,
      what: "a turning poster",
    });
    await keepPicture(page, "gallery-390");
    await page.evaluate("document.body.style.paddingTop = '150vh'");
    await until(async () => (await poster.getAttribute("data-turning")) === "false", {
      deadlineMs: 10_000,
      what: "stillness",
    });
    await context.close();
  });

  it("C7: the model's own loop plays, stops at a press, and stands still for who asked for that", async () => {
    const { page, context } = await visit(pathOf(0), SMALL, "no-preference");
    await drawn(page);
    assert.ok((await ask<string[]>(page, "v.availableAnimations")).length > 0, "the model has a loop");
    assert.equal(await ask<boolean>(page, "v.paused"), false);
    await page.getByTestId("viewer-motion").click();
    assert.equal(await ask<boolean>(page, "v.paused"), true);
    await page.getByTestId("viewer-motion").click();
    assert.equal(await ask<boolean>(page, "v.paused"), false);
    await page.emulateMedia({ reducedMotion: "reduce" });
    // A wish that was pressed stands above the device's; a new visit starts still.
    assert.equal(await page.getByTestId("viewer").getAttribute("data-moving"), "true");
    await page.reload();
    await drawn(page);
    assert.equal(await ask<boolean>(page, "v.paused"), true);
    await context.close();
  });

  it("C7: by keyboard: focus is seen, arrows turn the model, the flat meme is a press away", async () => {
    const { page, context } = await visit(pathOf(0));
    await drawn(page);
    const before = await ask<number>(page, "v.getCameraOrbit().theta");
    await ask(page, "v.shadowRoot.querySelector('.userInput').focus()");
    await page.keyboard.press("ArrowLeft");
    await until(async () => Math.abs((await ask<number>(page, "v.getCameraOrbit().theta")) - before) > 0.05, {
      deadlineMs: 20_000,
      what: "a turn",
    });
    await keepPicture(page, "viewer-focus-1440");
    assert.ok(await page.getByText(/Keys: arrows turn/).isVisible());
    await page.getByTestId("viewer-side-meme").focus();
    await page.keyboard.press("Enter");
    await page
      .locator(`[data-testid=viewer] img[src="${memeAt(0).image}"]`)
      .last()
      .waitFor();
    assert.equal(await page.getByTestId("viewer-motion").count(), 0);
    await page.getByTestId("viewer-side-model").click();
    assert.equal(await stateOf(page), "ready");
    await context.close();
  });

  it("C7: a model that does not load leaves the poster, says so, and loads at a second try", async () => {
    site.failing.add(modelAt(0).glb);
    const { page, context, errors } = await visit(pathOf(0), PHONE);
    await until(async () => (await stateOf(page)) === "failed", DRAWN);
    assert.ok(await page.getByRole("alert").getByText("could not be loaded").isVisible());
    assert.ok(
      await page
        .locator(`[data-testid=viewer] img[src="${modelAt(0).poster}"]`)
        .last()
        .isVisible(),
    );
    assert.ok(await page.getByTestId("download-glb").isVisible());
    await keepPicture(page, "viewer-failed-390");
    site.failing.clear();
    await page.getByTestId("viewer-again").click();
    await drawn(page);
    assert.deepEqual(errors, []);
    await context.close();
  });

  it("C7: a browser without WebGL is told so, beside the poster", async () => {
    const { page, context } = await visit(
      pathOf(0),
      DESK,
      "reduce",
      "HTMLCanvasElement.prototype.getContext = () => null",
    );
    await until(async () => (await stateOf(page)) === "failed", DRAWN);
    assert.ok(await page.getByText("If this browser cannot show 3D, download the file").isVisible());
    await context.close();
  });

  it("C7: AR is offered where the device has it", async () => {
    const { page, context } = await visit(
      pathOf(0),
      PHONE,
      "reduce",
      "navigator.xr.isSessionSupported = async (mode) => mode === 'immersive-ar'",
    );
    await drawn(page);
    await page.getByTestId("viewer-ar").waitFor({ state: "visible", timeout: 10_000 });
    await keepPicture(page, "viewer-ar-390");
    await context.close();
  });

  it("C4: three.js' own loader opens the same file, and asks nobody else", async () => {
    const seen = await visit("/three-page");
    const found = await seen.page.evaluate(`(async () => {
      const { GLTFLoader } = await import("/three/examples/jsm/loaders/GLTFLoader.js");
      const { scene, animations } = await new GLTFLoader().loadAsync(${JSON.stringify(modelAt(0).glb)});
      let triangles = 0;
      const maps = new Set();
      scene.traverse((one) => {
        if (!one.isMesh) return;
        triangles += one.geometry.index.count / 3;
        if (one.material.map) maps.add(one.material.map.image.width);
      });
      return { triangles, maps: [...maps], seconds: animations[0]?.duration ?? 0 };
    })()`);
    const { triangles, maps, seconds } = found as { triangles: number; maps: number[]; seconds: number };
    assert.ok(triangles > 1_000 && triangles < 60_000, `${triangles} triangles`);
    assert.ok(maps.length > 0 && maps.every((width) => width > 0), "its pictures are decoded");
    assert.ok(seconds > 1, "it has a loop");
    assert.deepEqual([seen.strangers, seen.errors], [[], []]);
    await seen.context.close();
  });

  it("C7: a closed viewer gives its memory back", async () => {
    const { page, context } = await visit("/gallery");
    const open = async (at: number) => {
      await page
        .getByRole("button", { name: /open in 3D/ })
        .nth(at)
        .click();
      await drawn(page);
      // The renderer is one for all viewers; what it holds is asked of it.
      await page.evaluate(`(() => {
        const v = document.querySelector("model-viewer");
        for (let proto = v; proto; proto = Object.getPrototypeOf(proto))
          for (const key of Object.getOwnPropertySymbols(proto))
            if (key.description === "renderer") window.seen = v[key];
      })()`);
      await page.keyboard.press("Escape");
      await page.getByTestId("viewer").waitFor({ state: "detached" });
    };
    const held = async () =>
      (await page.evaluate(
        "({ ...window.seen.threeRenderer.info.memory, scenes: window.seen.scenes.size })",
      )) as {
        geometries: number;
        textures: number;
        scenes: number;
      };
    await open(0);
    await until(async () => (await held()).scenes === 0, { deadlineMs: 10_000, what: "an empty renderer" });
    const after = await held();
    for (const at of [1, 0, 1, 0]) await open(at);
    await until(
      async () => {
        const now = await held();
        return now.scenes === 0 && now.geometries <= after.geometries && now.textures <= after.textures;
      },
      { deadlineMs: 10_000, what: `no more than ${JSON.stringify(after)} held` },
    );
    await context.close();
  });

  it("C7: share copies the address of the page; download is a GLB with the meme's name", async () => {
    const { page, context } = await visit(pathOf(1), SMALL);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate("delete Navigator.prototype.share");
    await page.getByTestId("share").waitFor();
    await page.getByTestId("share").click();
    await page.getByText("Link copied.").waitFor();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), `${site.url}${pathOf(1)}`);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByTestId("download-glb").click(),
    ]);
    assert.equal(download.suggestedFilename(), "script-document-title-owned-script-such-depth.glb");
    await context.close();
  });

  it("C7: memes without a model and memes that are not there have words of their own", async () => {
    const { page, context } = await visit(pathOf(2));
    await page.getByText("Winners are sculpted in 3D; this one was not among them.").waitFor();
    await page.goto(`${site.url}/m/${site.round.roundId}/${"0".repeat(64)}`);
    await page.getByText("No such meme").waitFor();
    await page.goto(`${site.url}/m/main-1/${"0".repeat(64)}`);
    await page.getByText("No such meme").waitFor();
    await context.close();
  });

  it("R12: a reported meme is blurred, loads nothing more, and is shown after a press", async () => {
    const shown = site.round;
    site.round = {
      ...shown,
      memesRanked: shown.memesRanked.map((meme, at) => (at === 0 ? { ...meme, blurred: true } : meme)),
    };
    const { page, context } = await visit(pathOf(0));
    await page.getByText("somebody reported this meme").waitFor();
    assert.equal(site.asked.has(modelAt(0).glb), false);
    await page.getByRole("button", { name: "Show it anyway" }).click();
    await drawn(page);
    site.round = shown;
    await context.close();
  });
});
