/**
 * Which pages may speak to this server from a browser (CORS, websockets, writing requests). Owns: the one rule all three
 * ask. Pure. Does not own: what is answered to those that may not.
 *
 * A caller without an Origin is no browser page, and is let in: whatever it may do, it has to show a token for.
 */

export interface OriginOptions {
  /** Further origins that may, `https://host[:port]`. */
  allowed: readonly string[];
  /** The game's own names beside the one a request came in by: host[:port]. */
  ownHosts: readonly string[];
}

export interface Origins {
  /** Whether a page of this origin may: ours, by the name it used to reach us, or a listed one. `null` never may. */
  may(origin: string | undefined, host: string | undefined): boolean;
  /** Whether the origin is listed: only these get CORS headers, for our own page needs none. */
  isListed(origin: string): boolean;
}

/** `host[:port]` as a browser writes it in an Origin; undefined for what is none. */
const hostOf = (origin: string): string | undefined => {
  const url = URL.parse(origin);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  return url.origin === origin ? url.host : undefined;
};

/** Throws TypeError for an allowed origin that is no origin: one with a path, or without a scheme. */
export function createOrigins(options: OriginOptions): Origins {
  for (const origin of options.allowed)
    if (hostOf(origin) === undefined) throw new TypeError(`CORS_ORIGINS: ${origin} is no origin`);
  const listed = new Set(options.allowed);
  const own = new Set(options.ownHosts.map((host) => host.toLowerCase()));
  return {
    may(origin, host) {
      if (origin === undefined || listed.has(origin)) return true;
      const from = hostOf(origin);
      return from !== undefined && (own.has(from) || from === host?.toLowerCase());
    },
    isListed: (origin) => listed.has(origin),
  };
}
