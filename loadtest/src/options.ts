/** The command line of the load test: a scenario and its numbers. Owns: reading them, and words for what is wrong. */

export interface NumberOption {
  value: number;
  min: number;
  max: number;
  help: string;
}

export type OptionTable = Readonly<Record<string, NumberOption>>;
export type Values<T extends OptionTable> = { [K in keyof T]: number };

/** What is wrong with the command line, in words for whoever typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const helpOf = (table: OptionTable): string =>
  Object.entries(table)
    .map(([name, { value, help }]) => `    --${name.padEnd(15)} ${help} (${value})`)
    .join("\n");

/** Numbers by name from `--name value` or `--name=value`. Throws UsageError. */
export function readOptions<T extends OptionTable>(table: T, args: readonly string[]): Values<T> {
  const values = Object.fromEntries(Object.entries(table).map(([name, { value }]) => [name, value]));
  const rest = args.flatMap((arg) => (/^--[a-z-]+=/.test(arg) ? arg.split(/=(.*)/s, 2) : [arg]));
  for (let at = 0; at < rest.length; at += 2) {
    const name = /^--([a-z-]+)$/.exec(rest[at] ?? "")?.[1];
    const option = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
    if (name === undefined || option === undefined)
      throw new UsageError(`There is no option ${rest[at]}. Choose from:\n${helpOf(table)}`);
    const text = rest[at + 1] ?? "";
    const value = text === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < option.min || value > option.max)
      throw new UsageError(`--${name} takes a number from ${option.min} to ${option.max}.`);
    values[name] = value;
  }
  return values as Values<T>;
}
