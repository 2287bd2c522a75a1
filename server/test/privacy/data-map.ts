/** The data map of docs/PRIVACY.md as patterns. Owns: reading the tables. Holds no assertion. */
import { readFileSync } from "node:fs";

const page = readFileSync(new URL("../../../docs/PRIVACY.md", import.meta.url), "utf8");

/** Keys named in the first cell of each row of the tables under this head. */
function keysUnder(head: string): string[] {
  const lines = page.split("\n");
  const keys: string[] = [];
  let inside = false;
  for (const line of lines) {
    if (line.startsWith(`| ${head} |`)) inside = true;
    else if (!line.startsWith("|")) inside = false;
    else if (inside)
      for (const [, key = ""] of (line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)) keys.push(key);
  }
  return keys;
}

/** `<...>` stands for a part that changes, at the end also for several parts. */
const patternOf = (key: string): RegExp =>
  new RegExp(`^${key.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/<[^>]+>/g, ".+")}$`);

export const redisKeys = keysUnder("key in Redis");
export const browserKeys = keysUnder("key in localStorage");
const redisPatterns = redisKeys.map(patternOf);
const browserPatterns = browserKeys.map(patternOf);

export const isMapped = (key: string): boolean => redisPatterns.some((pattern) => pattern.test(key));
export const isMappedInBrowser = (key: string): boolean =>
  browserPatterns.some((pattern) => pattern.test(key));
