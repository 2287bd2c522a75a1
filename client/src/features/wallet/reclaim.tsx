/** Deposits that no round has settled, to be taken back (M9). Shown only when there are some. Does not own: how. */
import { useEffect, useState } from "react";
import { useActions } from "../../app/hooks.ts";
import type { ReclaimableVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useToasts } from "../../ui/toast.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count, dayOf, timeOf } from "../../ui/words.ts";

export function Reclaim() {
  const actions = useActions();
  const toasts = useToasts();
  const [found, setFound] = useState<ReclaimableVm[]>([]);
  const look = useTask(async () => {
    const answer = await actions.reclaimable();
    if (answer.ok) setFound(answer.deposits);
    return answer;
  });
  const take = useTask((txid: string) => actions.reclaim(txid));
  const { run } = look;
  useEffect(() => {
    void run();
  }, [run]);
  if (found.length === 0) return <ErrorNote failure={look.failed} />;
  return (
    <section aria-label="Take back" className="flex flex-col gap-3 rounded-2xl border-2 border-flare p-4">
      <h3 className="text-xl">Yours to take back</h3>
      <p className="text-sm text-mist">
        These deposits were never settled. Your browser takes them back alone; nobody else is needed.
      </p>
      <ErrorNote failure={take.failed} />
      <ul className="flex flex-col gap-3">
        {found.map(({ txid, roundId, sats, opensAt, open }) => (
          <li key={txid} className="figures flex flex-wrap items-center justify-between gap-3">
            <span>
              <span className="block font-display text-lg font-bold">{count(sats)} sat</span>
              <span className="text-sm text-mist">{roundId}</span>
            </span>
            {open ? (
              <Button
                look="primary"
                pending={take.pending}
                data-testid="reclaim"
                onClick={async () => {
                  if (!(await take.run(txid))?.ok) return;
                  setFound((before) => before.filter((one) => one.txid !== txid));
                  toasts.tell(`${count(sats)} sat are on their way back to you.`);
                }}
              >
                Take back
              </Button>
            ) : (
              <span className="text-sm text-mist">
                opens about an hour after {dayOf(opensAt)}, {timeOf(opensAt)}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
