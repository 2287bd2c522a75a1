/** Something asked of the server when a part of the page appears. Owns: loading, failed, there. Does not own: the call. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Failure } from "../../app/model.ts";
import type { Answered } from "../../net/http.ts";

export interface Loaded<T> {
  data: T | undefined;
  failed: Failure | undefined;
  /** Asks again; what was there stays until the answer comes. */
  again(): void;
}

export function useLoaded<T>(ask: () => Promise<Answered<T>>): Loaded<T> {
  const [data, setData] = useState<T>();
  const [failed, setFailed] = useState<Failure>();
  const [asked, setAsked] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asking again starts over
  useEffect(() => {
    let wanted = true;
    void latest.current().then((answer) => {
      if (!wanted) return;
      if (answer.ok) setData(answer.data);
      setFailed(answer.ok ? undefined : answer);
    });
    return () => {
      wanted = false;
    };
  }, [asked]);
  const again = useCallback(() => setAsked((count) => count + 1), []);
  return { data, failed, again };
}
