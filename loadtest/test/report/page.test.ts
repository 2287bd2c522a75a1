/** The report a run leaves: everything told is on the page, which needs nothing from elsewhere. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { latencyAxis, linearAxis, timeAxis } from "../../src/report/axis.ts";
import { htmlOf } from "../../src/report/html.ts";
import { createLiveView } from "../../src/report/live.ts";
import { cut, screenOf } from "../../src/report/screen.ts";
import { clockText, nameText, valueText } from "../../src/report/words.ts";
import { runWithReport } from "../../src/run.ts";
import { playedStorm, recorderOn } from "./sample.ts";

const VOID = new Set(["meta", "link"]);
const ESCAPE = "\u001b";
const COLOURS = new RegExp(`${ESCAPE}\\[\\d+m`, "g");

/** What is open and not closed, or closed and not open; an empty list for a page that is well formed. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, end, name = "", own] of html
    .replace(/<!doctype html>/, "")
    .matchAll(/<(\/?)([a-z0-9]+)[^<>]*?(\/?)>/g)) {
    if (end) {
      if (open.pop() !== name) wrong.push(name);
    } else if (!own && !VOID.has(name)) open.push(name);
  }
  return [...wrong, ...open];
}

const quiet = { every: () => () => undefined, draw: () => undefined, endDrawing: () => undefined };

describe("the report page", () => {
  it("holds figures, bounds, floors, processes and notes, and no address of anywhere else", async () => {
    const recorder = await playedStorm(40);
    const html = htmlOf(await recorder.document({ ok: false }));
    assert.deepEqual(unbalanced(html), []);
    assert.doesNotMatch(html, /https?:|\/\/[a-z]|<script|@import|url\(/i);
    assert.match(html, /default-src 'none'/);
    for (const text of [
      "p99 of a join",
      "1,540 ms",
      "700 ms",
      "2.20 x",
      "✗ missed",
      "did not hold",
      "relay-1",
    ])
      assert.ok(html.includes(text), text);
    assert.match(html, /2 of 3 bounds hold/);
    assert.ok(html.includes("Two of the &lt;b&gt;processes&lt;/b&gt; were started again &amp; went on."));
    assert.match(
      html,
      /aria-label="connections over 0:40: spectators at most 20,000, players at most 2,000"/,
    );
  });

  it("says why a run ended early, and when the harness itself was too late to be believed", async () => {
    const document = await (await playedStorm(5)).document({ ok: false, ended: "the <game> died" });
    const html = htmlOf({ ...document, lag: { p50: 80, p99: 240, greatest: 900 } });
    assert.match(html, /ended before its time: the &lt;game&gt; died/);
    assert.match(html, /late by 240 ms \(p99\): its own times are not to be trusted/);
    assert.doesNotMatch(htmlOf(document), /not to be trusted/);
  });

  it("stays small when a run is long, and needs neither points nor bounds", async () => {
    const long = await (await playedStorm(4_000)).document({ ok: true });
    assert.ok(JSON.stringify(long).length < 600_000, `${JSON.stringify(long).length}`);
    assert.ok(htmlOf(long).length < 600_000, `${htmlOf(long).length}`);
    const nothing = await recorderOn({ now: 1_000 }).document({ ok: true });
    assert.deepEqual(unbalanced(htmlOf(nothing)), []);
  });

  it("leaves out what is no number and says how many", async () => {
    const recorder = recorderOn({ now: 1_000 });
    recorder.point("rate", "boosts", Number.NaN);
    recorder.histogram("waiting", "ms").record(Number.POSITIVE_INFINITY);
    for (let at = 0; at < 60; at++) recorder.point(`chart ${at}`, "one", 1);
    const { charts, latencies, notes } = await recorder.document({ ok: true });
    assert.equal(charts.length, 48);
    assert.deepEqual(latencies, []);
    assert.match(notes[0] ?? "", /^15 values/);
  });
});

describe("a run with its report", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "meme-rounds-report-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("is not ok when a bound was missed, whatever the scenario says; the files tell the same", async () => {
    const said: string[] = [];
    const { ok, line } = await runWithReport(
      recorderOn({ now: 5_000 }),
      async (report) => {
        report.bound({ name: "takeover", value: 6, limit: 5, unit: "s", holds: false, floor: 2 });
        return { ok: true, figures: { kills: 20 } };
      },
      new AbortController().signal,
      folder,
      { ...quiet, say: (text) => said.push(text) },
    );
    assert.equal(ok, false);
    const bound = { name: "takeover", value: 6, limit: 5, unit: "s", holds: false, floor: 2, ratio: 3 };
    assert.deepEqual(line, { scenario: "storm", ok: false, kills: 20, bounds: [bound] });
    const html = said[0]?.replace("report: ", "") ?? "";
    assert.match(html, /1970-01-01T00-00-05-storm\/report\.html$/);
    assert.match(await readFile(html, "utf8"), /takeover/);
    const document = JSON.parse(await readFile(html.replace(".html", ".json"), "utf8"));
    assert.deepEqual([document.ok, document.figures, document.bounds], [false, { kills: 20 }, [bound]]);
  });

  it("is written also when the scenario throws, or is ended from outside", async () => {
    const said: string[] = [];
    const deps = { ...quiet, say: (text: string) => said.push(text) };
    const dies = async (): Promise<never> => {
      throw new Error("no server");
    };
    const { signal } = new AbortController();
    await assert.rejects(runWithReport(recorderOn({ now: 9_000 }), dies, signal, folder, deps), /no server/);
    assert.match(await readFile(said[0]?.replace("report: ", "") ?? "", "utf8"), /no server/);
    const ended = await runWithReport(
      recorderOn({ now: 12_000 }),
      async () => ({ ok: true, figures: {} }),
      AbortSignal.abort(),
      folder,
      deps,
    );
    assert.equal(ended.ok, false);
  });
});

describe("the live view", () => {
  it("fits the terminal, and says phase, percentiles, CPU and bounds", async () => {
    const recorder = await playedStorm(30);
    const lines = screenOf(recorder, 1_030_000, { columns: 72, rows: 40 });
    const plain = lines.map((line) => line.replaceAll(COLOURS, ""));
    for (const line of plain) assert.ok(line.length <= 72, line);
    const text = plain.join("\n");
    assert.match(text, /^storm {2}0:30 {2}watching {2}█+░* of 0:18/);
    assert.match(text, /spectators 20,000/);
    assert.match(text, /join of a player .*p99/);
    assert.match(text, /✗ p99 of a tick of the round: 61 ms \(bound 50 ms\)/);
    assert.equal(screenOf(recorder, 1_030_000, { columns: 72, rows: 5 }).length, 4);
    assert.equal(cut("\u001b[1mabcdef\u001b[0m", 4), "\u001b[1mabc…\u001b[0m");
  });

  it("draws over itself on a terminal, and says a plain line now and then elsewhere", async () => {
    const recorder = await playedStorm(10);
    const written: string[] = [];
    const write = (text: string) => written.push(text);
    const drawn = createLiveView({ write, isTTY: true, columns: 80, rows: 30 }, () => 1_010_000);
    drawn.draw(recorder);
    drawn.draw(recorder);
    const height = (written[0]?.split("\n").length ?? 0) - 1;
    assert.ok(written[1]?.startsWith(`\u001b[${height}A\u001b[J`));
    written.length = 0;
    let now = 1_010_000;
    const plain = createLiveView({ write }, () => now);
    for (; now < 1_022_000; now += 1_000) plain.draw(recorder);
    assert.equal(written.length, 3);
    assert.ok(!written.join("").includes(ESCAPE));
    written.length = 0;
    createLiveView({ write }, () => now).draw(recorderOn({ now }));
    assert.deepEqual(written, [], "a scenario without a phase has a view of its own");
  });
});

describe("axes and words of the report", () => {
  it("ticks are round and reach the greatest value", () => {
    assert.deepEqual(linearAxis(87).ticks, [0, 25, 50, 75, 100]);
    assert.deepEqual(linearAxis(0).ticks, [0, 0.25, 0.5, 0.75, 1]);
    assert.deepEqual(
      linearAxis(300 * 1_048_576, 4, true).ticks.map((one) => one / 1_048_576),
      [0, 128, 256, 384],
    );
    assert.deepEqual(timeAxis(90_000).ticks.at(-1), 90_000);
    assert.ok(latencyAxis([2, 900]).isLog);
    assert.ok(!latencyAxis([20, 90]).isLog);
    assert.equal(latencyAxis([1, 1_000]).place(1_000), 1);
  });

  it("numbers are readable", () => {
    assert.equal(valueText(1_234_567, ""), "1,234,567");
    assert.equal(valueText(0.123456, "ms"), "0.12 ms");
    assert.equal(valueText(12_345, "ms"), "12.3 s");
    assert.equal(valueText(3 * 1_048_576, "bytes"), "3 MB");
    assert.equal(valueText(87.26, "% of a core"), "87.3%");
    assert.equal(clockText(3_723_000), "1:02:03");
    assert.equal(nameText("ownLagP99"), "own lag p99");
  });
});
