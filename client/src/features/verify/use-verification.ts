/**
 * One verification as the page shows it (M10). Owns: hints, own heads and receipts, the worker, showing one row after the
 * other. Does not own: the checks, markup.
 */
import type { Verdict } from "@meme-rounds/shared-schema/verify-round";
import type { RoundHints } from "@meme-rounds/shared-schema/verify-round-gather";
import type { Check } from "@meme-rounds/shared-schema/verify-round-parts";
import { useEffect, useState } from "react";
import { type ChainPlace, findChain } from "../../net/chain.ts";
import { createHeads } from "../../net/heads.ts";
import { createReceipts } from "../../net/receipts.ts";
import { startWorker } from "../../net/start-worker.ts";
import type { Job, Said } from "./job.ts";
import workerUrl from "./verify.worker.ts?worker&url";

export interface Verification {
  place?: ChainPlace;
  /** What is being fetched or done. */
  doing?: string;
  /** Those that are shown already. */
  checks: Check[];
  verdict?: Verdict;
  seconds?: { fetch: number; verify: number };
  failed?: string;
}

/** Rows turn one after the other, however fast they come, ms. */
const BETWEEN_MS = 140;
const HINT_MS = 8_000;

interface ProofHint {
  link?: { txid?: string };
  settlement?: string[];
  publicKeys?: { operatorKey?: string; auditorHeadKey?: string };
  heads?: { seq: number; hash: string; auditorTime: number; sig: string }[];
}

/** Where the server says to look; nothing when it is down. It is believed in nothing. */
async function proofOf(target: string): Promise<ProofHint> {
  try {
    const answer = await fetch(`/api/rounds/${encodeURIComponent(target)}/proof`, {
      signal: AbortSignal.timeout(HINT_MS),
    });
    return answer.ok ? ((await answer.json()) as ProofHint) : {};
  } catch {
    return {};
  }
}

function jobOf(target: string, place: ChainPlace, proof: ProofHint): Job {
  const { link, settlement, publicKeys } = proof;
  const hints: RoundHints = {
    ...(link?.txid ? { linkTxid: link.txid } : {}),
    ...(settlement ? { settlement } : {}),
    ...(publicKeys?.operatorKey ? { operatorKey: publicKeys.operatorKey } : {}),
  };
  const seen = createHeads({ storage: localStorage });
  const own = seen.of(target);
  // What this browser saw itself counts for more than what the server shows now.
  const headKey = own.length > 0 ? seen.keyOf(target) : publicKeys?.auditorHeadKey;
  const heads = own.length > 0 ? own : (proof.heads ?? []);
  const receipts = createReceipts({ storage: localStorage })
    .of(target)
    .map(({ seq, at, hash, sig }) => ({ roundId: target, seq, at, hash, sig }));
  return { target, place, hints, receipts, ...(headKey ? { heads: { headKey, heads } } : {}) };
}

export function useVerification(target: string, run: number): Verification {
  const [view, setView] = useState<Verification>({ checks: [] });
  useEffect(() => {
    void run;
    setView({ checks: [], doing: "the chain" });
    let worker: Worker | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const queue: Said[] = [];
    const show = (said: Said): void =>
      setView((now) => {
        switch (said.kind) {
          case "progress":
            return { ...now, doing: said.what };
          case "check":
            return { ...now, checks: [...now.checks, said.check] };
          case "failed":
            return { ...now, failed: said.message };
          case "done":
            return { ...now, verdict: said.verdict, seconds: said.seconds };
        }
      });
    const next = (): void => {
      timer = undefined;
      const said = queue.shift();
      if (said === undefined) return;
      show(said);
      timer = setTimeout(next, BETWEEN_MS);
    };
    const heard = (said: Said): void => {
      if (said.kind === "progress") show(said);
      else {
        queue.push(said);
        if (timer === undefined) next();
      }
    };
    const begin = async (): Promise<void> => {
      const place = await findChain(
        { origin: location.origin },
        { fetch: fetch.bind(window), storage: localStorage },
      );
      if (stopped) return;
      if (place === undefined) {
        heard({ kind: "failed", message: "it is not known which chain API to ask" });
        return;
      }
      setView((now) => ({ ...now, place }));
      const proof = await proofOf(target);
      if (stopped) return;
      worker = startWorker(workerUrl);
      worker.addEventListener("message", (event: MessageEvent<Said>) => heard(event.data));
      worker.addEventListener("error", (event) => heard({ kind: "failed", message: event.message }));
      worker.postMessage(jobOf(target, place, proof));
    };
    void begin();
    return () => {
      stopped = true;
      clearTimeout(timer);
      worker?.terminate();
    };
  }, [target, run]);
  return view;
}
