/** Running a MULTI so that nothing is swallowed. Does not own: keys or commands; each store has its own. */
import type { ChainableCommander } from "ioredis";

/**
 * Runs the queued commands as one step and gives their replies in order. Throws the first error of any of them:
 * ioredis hands errors of single commands back among the replies.
 */
export async function runMulti(multi: ChainableCommander): Promise<unknown[]> {
  const replies = await multi.exec();
  if (replies === null) throw new Error("the transaction was not run");
  return replies.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
