/**
 * `npm run loadtest -- <scenario> [--option value ...]`: plays the game with machines and says what held.
 * Owns: choosing the scenario, Ctrl-C, the exit status (1 when something did not hold). The last line printed is one
 * line of JSON with the figures; pictures and numbers are in the report whose path stands above it.
 */
import { chaos } from "./chaos/index.ts";
import { rolling } from "./deploy/index.ts";
import { ladder } from "./ladder/index.ts";
import { money } from "./money/index.ts";
import { helpOf, type OptionTable, readOptions, UsageError, type Values } from "./options.ts";
import { players } from "./players/index.ts";
import { createRecorder, type Report } from "./report/index.ts";
import { createLiveView } from "./report/live.ts";
import { type Outcome, runWithReport } from "./run.ts";
import { signin } from "./signin/index.ts";
import { smoke } from "./smoke/index.ts";
import { soak } from "./soak/index.ts";
import { spectators } from "./spectators/index.ts";
import { storm } from "./storm/index.ts";
import { chooseTarget, terminalAsk } from "./target.ts";

interface Scenario {
  summary: string;
  options: OptionTable;
  read(args: readonly string[]): {
    folder: string | undefined;
    values: Record<string, number | string | boolean>;
    /** Of a scenario that can play against a game of somebody else. */
    wanted: { target: string; "allow-remote": boolean } | undefined;
    /** Ends early, and orderly, when the signal fires. */
    run(signal: AbortSignal, report: Report, target?: string): Promise<Outcome>;
  };
}

/** What every scenario takes. */
const common = {
  out: { text: "", help: "folder for the report; loadtest-results when left out" },
} as const;

const scenario = <T extends OptionTable>(one: {
  summary: string;
  options: T;
  run(values: Values<T>, signal: AbortSignal, report: Report): Promise<Outcome>;
}): Scenario => ({
  summary: one.summary,
  options: one.options,
  read(args) {
    const isTargeted = Object.hasOwn(one.options, "target");
    if (!isTargeted && args.some((arg) => /^--target\b/.test(arg)))
      throw new UsageError(
        "This scenario breaks things on purpose: it starts its own game and takes no --target.",
      );
    const { out, ...rest } = readOptions({ ...one.options, ...common }, args);
    // What is left is the scenario's own table.
    const values = rest as unknown as Values<T>;
    return {
      folder: out === "" ? undefined : String(out),
      values,
      wanted: isTargeted
        ? { target: String(rest.target), "allow-remote": rest["allow-remote"] === true }
        : undefined,
      run: (signal, report, target) =>
        one.run(target === undefined ? values : { ...values, target }, signal, report),
    };
  },
});

const scenarios: Record<string, Scenario> = {
  chaos: scenario(chaos),
  ladder: scenario(ladder),
  money: scenario(money),
  players: scenario(players),
  rolling: scenario(rolling),
  signin: scenario(signin),
  smoke: scenario(smoke),
  soak: scenario(soak),
  spectators: scenario(spectators),
  storm: scenario(storm),
};

const usage = (): string =>
  [
    ...Object.entries(scenarios).map(
      ([name, { summary, options }]) => `  ${name}: ${summary}\n${helpOf(options)}`,
    ),
    `  every scenario:\n${helpOf(common)}`,
  ].join("\n");

async function main(): Promise<number> {
  const [name = "", ...args] = process.argv.slice(2);
  if (name === "--help" || args.includes("--help")) {
    console.log(`npm run loadtest -- <scenario> [--option value ...]\n${usage()}`);
    return 0;
  }
  const chosen = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (chosen === undefined) throw new UsageError(`There is no scenario "${name}". Choose from:\n${usage()}`);
  const { folder, values, wanted, run } = chosen.read(args);
  const target =
    wanted === undefined ? undefined : await chooseTarget(wanted, terminalAsk(process.stdin, process.stderr));
  const ending = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (ending.signal.aborted) process.exit(130);
    console.error(`${signal}: ending; once more ends at once`);
    ending.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const live = createLiveView(process.stderr, () => Date.now());
  const recorder = createRecorder({ scenario: name, options: values }, (text) => live.say(text));
  recorder.watch("harness", process.pid);
  const { ok, line } = await runWithReport(
    recorder,
    (report) => run(ending.signal, report, target),
    ending.signal,
    folder,
    {
      every(ms, act) {
        const timer = setInterval(act, ms);
        return () => clearInterval(timer);
      },
      draw: (seen) => live.draw(seen),
      endDrawing: () => live.end(),
      say: (text) => live.say(text),
    },
  );
  console.log(JSON.stringify(line));
  return ok ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (error instanceof UsageError) console.error(error.message);
    else console.error(error);
    process.exit(1);
  },
);
