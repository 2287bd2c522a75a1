/**
 * `npm run loadtest -- <scenario> [--option number ...]`: plays the game with machines and says what held.
 * Owns: choosing the scenario, Ctrl-C, the exit status (1 when something did not hold). The last line printed is one
 * line of JSON with the figures.
 */
import { money } from "./money/index.ts";
import { helpOf, type OptionTable, readOptions, UsageError } from "./options.ts";
import { signin } from "./signin/index.ts";

interface Scenario {
  summary: string;
  options: OptionTable;
  /** Ends early, and orderly, when the signal fires. */
  run(args: readonly string[], signal: AbortSignal): Promise<{ ok: boolean; figures: object }>;
}

const scenario = <T extends OptionTable>(one: {
  summary: string;
  options: T;
  run(values: { [K in keyof T]: number }, signal: AbortSignal): Promise<{ ok: boolean; figures: object }>;
}): Scenario => ({
  summary: one.summary,
  options: one.options,
  run: (args, signal) => one.run(readOptions(one.options, args), signal),
});

const scenarios: Record<string, Scenario> = { money: scenario(money), signin: scenario(signin) };

const usage = (): string =>
  Object.entries(scenarios)
    .map(([name, { summary, options }]) => `  ${name}: ${summary}\n${helpOf(options)}`)
    .join("\n");

async function main(): Promise<number> {
  const [name = "", ...args] = process.argv.slice(2);
  const chosen = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (chosen === undefined) throw new UsageError(`There is no scenario "${name}". Choose from:\n${usage()}`);
  const ending = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (ending.signal.aborted) process.exit(130);
    console.error(`${signal}: ending; once more ends at once`);
    ending.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const { ok, figures } = await chosen.run(args, ending.signal);
  console.log(JSON.stringify({ scenario: name, ok, ...figures }));
  return ok && !ending.signal.aborted ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (error instanceof UsageError) console.error(error.message);
    else console.error(error);
    process.exit(1);
  },
);
