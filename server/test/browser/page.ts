/** A real browser on the page, for tests. Owns: Chromium, one profile per person, looking at what is on the page. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Browser {
  /** A person with a browser of their own: storage is not shared. */
  person(size: {
    width: number;
    height: number;
  }): Promise<{ page: Page; context: BrowserContext; errors: string[] }>;
  /** Closes everybody's pages: an open one goes on drawing, beside the tests after it. */
  everybodyLeaves(): Promise<void>;
  close(): Promise<void>;
}

export async function startBrowser(url: string): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
  return {
    async person(size) {
      const context = await browser.newContext({ viewport: size, reducedMotion: "reduce" });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      // Also what a worker was refused: its own page of the console is ours.
      page.on("console", (line) => {
        if (/Content Security Policy|TrustedScript|TrustedHTML/.test(line.text())) errors.push(line.text());
      });
      await page.goto(url);
      return { page, context, errors };
    },
    async everybodyLeaves() {
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    close: () => browser.close(),
  };
}

/** The number in `data-sats` of the first element with this test id. */
export async function satsOf(page: Page, testId: string): Promise<number> {
  return Number(await page.getByTestId(testId).first().getAttribute("data-sats"));
}

/** Keeps a picture of the page when SCREENSHOTS names a folder. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined || folder === "") return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
