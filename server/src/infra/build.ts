/** Which page this process serves (R11). Owns: reading the build's name out of it. Does not own: making it (client/vite.config.ts). */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROTOCOL, type ServerVersion } from "@meme-rounds/shared-schema/protocol";

/** `pageDir` holds the built page, or nothing. */
export function versionOf(pageDir: string): ServerVersion {
  const page = join(pageDir, "index.html");
  const text = existsSync(page) ? readFileSync(page, "utf8") : "";
  return { protocol: PROTOCOL, build: /<meta name="build" content="([\w-]{1,64})"/.exec(text)?.[1] ?? "" };
}
