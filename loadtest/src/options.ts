/**
 * The command line of the load test: a scenario and its options. Owns: reading them, and words for what is wrong.
 * Three kinds: a number with its limits, a text, and a switch that takes no value.
 */

export interface NumberOption {
  value: number;
  min: number;
  max: number;
  help: string;
}

export interface TextOption {
  text: string;
  help: string;
}

export interface SwitchOption {
  on: boolean;
  help: string;
}

type Option = NumberOption | TextOption | SwitchOption;
export type OptionTable = Readonly<Record<string, Option>>;
type ValueOf<O extends Option> = O extends NumberOption ? number : O extends TextOption ? string : boolean;
export type Values<T extends OptionTable> = { [K in keyof T]: ValueOf<T[K]> };

/** What is wrong with the command line, in words for whoever typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const isSwitch = (option: Option): option is SwitchOption => "on" in option;
const defaultOf = (option: Option): number | string | boolean =>
  isSwitch(option) ? option.on : "text" in option ? option.text : option.value;

function lineOf(name: string, option: Option): string {
  const standard = isSwitch(option) || defaultOf(option) === "" ? "" : ` (${defaultOf(option)})`;
  return `    --${name.padEnd(15)} ${option.help}${standard}`;
}

export const helpOf = (table: OptionTable): string =>
  Object.entries(table)
    .map(([name, option]) => lineOf(name, option))
    .join("\n");

function readValue(name: string, option: NumberOption | TextOption, text: string): number | string {
  if ("text" in option) {
    if (text === "") throw new UsageError(`--${name} takes a text: ${option.help}.`);
    return text;
  }
  const value = text === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value < option.min || value > option.max)
    throw new UsageError(`--${name} takes a number from ${option.min} to ${option.max}.`);
  return value;
}

/** Values by name from `--name value`, `--name=value` and, for a switch, `--name`. Throws UsageError. */
export function readOptions<T extends OptionTable>(table: T, args: readonly string[]): Values<T> {
  const values = Object.fromEntries(
    Object.entries(table).map(([name, option]) => [name, defaultOf(option)] as const),
  );
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const [, name, joined] = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const option = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
    if (name === undefined || option === undefined)
      throw new UsageError(`There is no option ${arg}. Choose from:\n${helpOf(table)}`);
    if (isSwitch(option)) {
      if (joined !== undefined) throw new UsageError(`--${name} takes no value.`);
      values[name] = true;
    } else values[name] = readValue(name, option, joined ?? args[++at] ?? "");
  }
  return values as Values<T>;
}
