/** What the command-line tools for strangers share. Owns: their mistakes, exit codes, the way to the chain. */
import type { Network } from "@meme-rounds/shared-schema/records";
import { createArcClient } from "../chain/arc-client.ts";
import { createHttpClient, type HttpClient, type HttpDeps, withDefaults } from "../chain/http-client.ts";
import { createWocClient, type WocClient } from "../chain/woc-client.ts";

/** What a person has to put right; the message says how. */
export class ToolError extends Error {}

export const EXIT = { done: 0, wrong: 1, early: 2, unclear: 3 } as const;

const DEVCHAIN_URL = "http://127.0.0.1:9090";
const PUBLIC_WOC_URL = "https://api.whatsonchain.com";
/** Requests a second that WhatsOnChain serves anybody. */
const PUBLIC_RATE = 3;
const TIMEOUT_MS = 20_000;

export interface ChainFlags {
  network: Network;
  /** With or without its /v1/bsv/<network> path. */
  woc?: string | undefined;
}

/** Throws ToolError when the text is no address of a server. */
export function urlOf(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ToolError(`${flag} ${text}: this is not a web address. It looks like https://host.`);
  return text.replace(/\/+$/, "");
}

/** WhatsOnChain, or who speaks like it. Throws ToolError on a bad address. */
export function wocOf(
  { network, woc }: ChainFlags,
  deps: Partial<HttpDeps>,
): { url: string; http: HttpClient; client: WocClient } {
  const fallback = network === "devchain" ? DEVCHAIN_URL : PUBLIC_WOC_URL;
  const url = urlOf("--woc", woc ?? fallback).replace(/\/v1\/bsv\/(main|test)$/, "");
  const isPublic = url === PUBLIC_WOC_URL;
  const http = createHttpClient(
    {
      name: `The chain API ${url}`,
      baseUrl: `${url}/v1/bsv/${network === "test" ? "test" : "main"}`,
      headers: {},
      timeoutMs: TIMEOUT_MS,
      requestsPerSecond: isPublic ? PUBLIC_RATE : Number.POSITIVE_INFINITY,
    },
    withDefaults(deps),
  );
  return { url, http, client: createWocClient(http) };
}

/** ARC, where one is named. */
export const arcOf = (url: string | undefined, deps: Partial<HttpDeps>) =>
  url === undefined
    ? undefined
    : createArcClient(
        "arc",
        createHttpClient(
          {
            name: `ARC ${url}`,
            baseUrl: urlOf("--arc", url),
            headers: {},
            timeoutMs: TIMEOUT_MS,
            requestsPerSecond: Number.POSITIVE_INFINITY,
          },
          withDefaults(deps),
        ),
      );
