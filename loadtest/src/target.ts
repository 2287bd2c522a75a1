/**
 * Which game a scenario plays against (`--target`). Owns: leaving every other machine alone unless somebody at the
 * terminal says twice that it is meant: a load test against a game people play in is an outage.
 */
import { isIPv4 } from "node:net";
import { createInterface } from "node:readline/promises";
import { UsageError } from "./options.ts";

/** What a scenario that can run against a game of somebody else takes. */
export const targetOptions = {
  target: { text: "", help: "address of a running game; without it the scenario starts its own" },
  "allow-remote": { on: false, help: "the target may be another machine; its name is asked for" },
} as const;

export interface TargetValues {
  target: string;
  "allow-remote": boolean;
}

/** Asks whoever sits at the terminal; undefined where nobody does. */
export type Ask = ((question: string) => Promise<string>) | undefined;

function isThisMachine(hostname: string): boolean {
  // A URL's host is in its normal form: 127.1 and 0x7f000001 stand as 127.0.0.1 by now.
  return (
    hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."))
  );
}

/**
 * The target's origin without a slash at its end; undefined where the scenario is to start its own game.
 * @throws UsageError where the target is not one, or is another machine and nobody has confirmed it
 */
export async function chooseTarget(values: TargetValues, ask: Ask): Promise<string | undefined> {
  const { target } = values;
  if (target === "") return undefined;
  if (!URL.canParse(target)) throw new UsageError(`--target takes an address such as http://127.0.0.1:2567.`);
  const url = new URL(target);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new UsageError(`--target takes an http or https address, not ${url.protocol}`);
  if (
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== "" ||
    url.pathname !== "/"
  )
    throw new UsageError("--target takes the game's origin only: no path, name or password.");
  if (isThisMachine(url.hostname)) return url.origin;
  if (!values["allow-remote"])
    throw new UsageError(
      `${url.host} is another machine. A load test takes a game down for the people in it: add --allow-remote if it is yours and meant.`,
    );
  if (ask === undefined)
    throw new UsageError(
      `${url.host} is another machine, and there is no terminal to confirm it at: start this by hand.`,
    );
  const typed = await ask(`This sends load to ${url.host}. Type its host name to go on: `);
  if (typed.trim().toLowerCase() !== url.hostname.toLowerCase())
    throw new UsageError(`That was not ${url.hostname}: nothing was sent.`);
  return url.origin;
}

/** Asks on the terminal this process was started at; undefined where its input is none. */
export function terminalAsk(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Ask {
  if (!input.isTTY || !output.isTTY) return undefined;
  return async (question) => {
    const lines = createInterface({ input, output });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  };
}
