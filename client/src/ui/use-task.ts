/**
 * One action at a time from one place on the page: pending, then done or failed with words to show.
 * Does not own: the action. A throw is a failure too: nothing stays silent.
 */
import { useCallback, useRef, useState } from "react";
import { type Failure, failure, type Outcome } from "../app/model.ts";

export interface Task<A extends unknown[], O extends Outcome> {
  pending: boolean;
  failed: Failure | undefined;
  /** Undefined when the same action is still under way. */
  run(...args: A): Promise<O | Failure | undefined>;
  clear(): void;
}

export function useTask<A extends unknown[], O extends Outcome>(
  action: (...args: A) => Promise<O>,
): Task<A, O> {
  const [pending, setPending] = useState(false);
  const [failed, setFailed] = useState<Failure>();
  const busy = useRef(false);
  const latest = useRef(action);
  latest.current = action;
  const run = useCallback(async (...args: A) => {
    if (busy.current) return undefined;
    busy.current = true;
    setPending(true);
    setFailed(undefined);
    try {
      const outcome = await latest.current(...args);
      if (!outcome.ok) setFailed(outcome);
      return outcome;
    } catch (error) {
      const thrown = failure("INTERNAL", error instanceof Error ? error.message : "");
      setFailed(thrown);
      return thrown;
    } finally {
      busy.current = false;
      setPending(false);
    }
  }, []);
  const clear = useCallback(() => setFailed(undefined), []);
  return { pending, failed, run, clear };
}
