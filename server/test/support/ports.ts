/**
 * Free TCP ports for tests.
 * Owns: finding a port of 127.0.0.1 that nobody listens on. Does not own: keeping it; whoever asked binds it at once.
 */
import { createServer } from "node:net";

/**
 * A port that was free a moment ago. Another process may take it before you bind it, so start what
 * needs it right away, and ask again when that start fails with EADDRINUSE.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no TCP address was given"));
        else resolve(address.port);
      });
    });
  });
}
