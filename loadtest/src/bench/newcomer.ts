/**
 * From an empty browser to coins in the round (I3): presses and seconds of somebody who never was here, with the wallet
 * made in the browser, on the devchain. Floor: the same calls by a program without a page.
 */

import { satsOf, startBrowser } from "../../../server/test/browser/page.ts";
import { type Cluster, startCluster } from "../../../server/test/game/cluster.ts";
import { until } from "../../../server/test/support/wait.ts";
import { Player } from "../player.ts";
import type { Figure } from "./measure.ts";

const ROUND_SECONDS = 600;
const SATS = 10_000;
const PHONE = { width: 390, height: 844 };
/** Newcomers in a row; the median is told. */
const RUNS = 5;

/** What the page's own global is, in the browser. */
interface CountingPage {
  presses: number;
  addEventListener(kind: "click", listener: (event: { isTrusted: boolean }) => void, capture: true): void;
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function byPage(
  browser: Awaited<ReturnType<typeof startBrowser>>,
): Promise<{ s: number; presses: number }> {
  const { page, context } = await browser.person(PHONE);
  try {
    await page.evaluate(() => {
      const counted = globalThis as unknown as CountingPage;
      counted.presses = 0;
      counted.addEventListener("click", (event) => event.isTrusted && counted.presses++, true);
    });
    await page.getByTestId("wallet-open").waitFor();
    const start = performance.now();
    await page.getByTestId("wallet-open").click();
    await page.getByTestId("wallet-create").click();
    await page.getByTestId("faucet").click();
    await until(() => page.getByTestId("deposit").isEnabled(), { what: "coins to deposit" });
    await page.getByTestId("deposit").click();
    await until(async () => (await satsOf(page, "in-round")) > 0, { what: "the deposit in the round" });
    const s = (performance.now() - start) / 1_000;
    return { s, presses: await page.evaluate(() => (globalThis as unknown as CountingPage).presses) };
  } finally {
    await context.close();
  }
}

async function byProgram(cluster: Cluster): Promise<number> {
  const player = new Player(cluster.url);
  const start = performance.now();
  await player.signIn();
  const round = await player.current();
  const coin = await player.faucet(10 * SATS);
  await player.join(round.roomId);
  const answer = await player.deposit(round, coin, SATS);
  if (!answer.ok) throw new Error(answer.code);
  await player.leave();
  return (performance.now() - start) / 1_000;
}

export async function benchNewcomer(): Promise<Figure[]> {
  const cluster = await startCluster({ roundSeconds: ROUND_SECONDS });
  const browser = await startBrowser(cluster.url);
  try {
    await byPage(browser);
    const pages: { s: number; presses: number }[] = [];
    const programs: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      pages.push(await byPage(browser));
      programs.push(await byProgram(cluster));
    }
    const floor = { name: "the same calls without a page", value: median(programs) };
    return [
      {
        name: "newcomer: presses to the first deposit",
        value: Math.max(...pages.map(({ presses }) => presses)),
        unit: "presses",
      },
      {
        name: "newcomer: first press to the first deposit",
        value: median(pages.map(({ s }) => s)),
        unit: "s",
        floor,
      },
    ];
  } finally {
    await browser.close();
    await cluster.stop();
  }
}
