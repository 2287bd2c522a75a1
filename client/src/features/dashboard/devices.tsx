/** Where one is signed in, and with which play keys; each can be ended (I2). Does not own: sessions or keys. */

import { useState } from "react";
import type { Answered } from "../../net/http.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { dayOf, plural, shortId, timeOf } from "../../ui/words.ts";
import type { DashboardApi } from "./dashboard-api.ts";
import { useLoaded } from "./use-loaded.ts";

const WALLETS = {
  manual: "Wallet in the browser",
  yours: "Yours Wallet",
  okx: "OKX Wallet",
  unisat: "UniSat",
  phantom: "Phantom",
} as const;

const when = (at: number): string => `${dayOf(at)}, ${timeOf(at)}`;
const outcome = <T,>(answer: Answered<T>) => (answer.ok ? ({ ok: true } as const) : answer);

export function Devices({ api }: { api: DashboardApi }) {
  const toasts = useToasts();
  /** The key whose revocation was asked for once: it cannot be taken back, so it takes a second press. */
  const [sure, setSure] = useState<string>();
  const sessions = useLoaded(api.sessions);
  const keys = useLoaded(api.playKeys);
  const both = (): void => {
    sessions.again();
    keys.again();
  };
  const end = useTask(async (id: string) => outcome(await api.endSession(id)));
  const others = useTask(async () => {
    const answer = await api.endOthers();
    if (answer.ok) toasts.tell(`${plural(answer.data.ended, "session")} ended.`);
    return outcome(answer);
  });
  const revoke = useTask(async (playKey: string) => {
    const answer = await api.revoke(playKey);
    if (answer.ok) toasts.tell("The play key signs in no more.");
    return outcome(answer);
  });
  return (
    <div className="grid gap-8 lg:grid-cols-2">
      <section aria-label="Sessions" className="flex flex-col gap-3" data-testid="sessions">
        <div className="flex items-center justify-between gap-4">
          <h3 className="text-xl">Signed in</h3>
          {(sessions.data?.sessions.length ?? 0) > 1 && (
            <Button
              size="small"
              pending={others.pending}
              onClick={async () => (await others.run())?.ok && both()}
              data-testid="end-others"
            >
              End all others
            </Button>
          )}
        </div>
        <ErrorNote failure={sessions.failed ?? end.failed ?? others.failed} />
        <ul className="figures">
          {sessions.data?.sessions.map(({ id, wallet, playKey, createdAt, lastUsedAt, current }) => (
            <li
              key={id}
              className="flex items-center justify-between gap-4 border-b border-line py-3 last:border-0"
              data-testid="session"
            >
              <span className="min-w-0">
                <span className="block font-medium">
                  {WALLETS[wallet]} {current && <span className="text-acid">(here)</span>}
                </span>
                <span className="text-sm text-mist">
                  since {when(createdAt)}, used {when(lastUsedAt)}, key {shortId(playKey)}
                </span>
              </span>
              {!current && (
                <Button
                  size="small"
                  pending={end.pending}
                  onClick={async () => (await end.run(id))?.ok && both()}
                  data-testid="end-session"
                >
                  End
                </Button>
              )}
            </li>
          ))}
        </ul>
      </section>
      <section aria-label="Play keys" className="flex flex-col gap-3" data-testid="play-keys">
        <h3 className="text-xl">Play keys</h3>
        <p className="text-sm text-mist">
          Each browser signs boosts with a key of its own. Revoke the key of a device you have lost: it signs
          in no more. Its coins stay where they are, and its backup still opens them.
        </p>
        <ErrorNote failure={keys.failed ?? revoke.failed} />
        <ul className="figures">
          {keys.data?.playKeys.map(({ playKey, boundAt, lastUsedAt, current, revokedAt }) => (
            <li
              key={playKey}
              className="flex items-center justify-between gap-4 border-b border-line py-3 last:border-0"
              data-testid="play-key"
            >
              <span className="min-w-0">
                <span className="block font-medium" title={playKey}>
                  {shortId(playKey, 10)} {current && <span className="text-acid">(here)</span>}
                </span>
                <span className="text-sm text-mist">
                  {revokedAt === undefined
                    ? `since ${when(boundAt)}, used ${when(lastUsedAt)}`
                    : `revoked ${when(revokedAt)}`}
                </span>
              </span>
              {!current && revokedAt === undefined && (
                <Button
                  size="small"
                  pending={revoke.pending}
                  onClick={async () => {
                    if (sure !== playKey) setSure(playKey);
                    else if ((await revoke.run(playKey))?.ok) both();
                  }}
                  data-testid="revoke"
                >
                  {sure === playKey ? "Revoke for good" : "Revoke"}
                </Button>
              )}
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
