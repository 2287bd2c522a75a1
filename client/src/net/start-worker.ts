/**
 * Starts a worker of ours where the page's CSP only lets trusted addresses be run (docs/SECURITY.md). Owns: the one policy
 * that says which those are. Does not own: what the worker does.
 */

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

/** The name that the server's CSP lists. */
const POLICY = "own-workers";

/** Throws TypeError for an address that is not among the page's own files. */
function ownFile(url: string): string {
  const { origin, pathname } = new URL(url, location.href);
  if (origin !== location.origin || !/^\/(?:assets|src)\//.test(pathname))
    throw new TypeError(`${url} is no worker of ours`);
  return url;
}

/** `url` is what the build gave for a worker's file. */
export function startWorker(url: string): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const rules = { createScriptURL: ownFile };
  const trusted = (trustedTypes?.createPolicy(POLICY, rules) ?? rules).createScriptURL(url);
  return new Worker(trusted, import.meta.env.DEV ? { type: "module" } : {});
}
