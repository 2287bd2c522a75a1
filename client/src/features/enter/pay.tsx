/** The last step of entering: the price, and paying it (E1). Does not own: the price, the wallet. */
import { useActions, useMe, useRound } from "../../app/hooks.ts";
import type { CheckedVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";

interface PayProps {
  checked: CheckedVm;
  onEntered(): void;
  onOther(): void;
}

export function Pay({ checked, onEntered, onOther }: PayProps) {
  const round = useRound();
  const me = useMe();
  const actions = useActions();
  const { openWallet } = useSheets();
  const enter = useTask(() => actions.enter(checked.contentId, checked.memeId));
  if (!round) return null;
  const closed = round.phase !== "open";
  const missing = round.entryPrice - me.inRoundSats;
  const submit = async () => {
    if ((await enter.run())?.ok) onEntered();
  };
  return (
    <div className="flex flex-col gap-4">
      <dl className="figures flex justify-between gap-4 border-t border-line pt-4">
        <div>
          <dt className="label">Entry price</dt>
          <dd className="display mt-1 text-3xl">{count(round.entryPrice)} sat</dd>
        </div>
        <div className="text-right">
          <dt className="label">You have in this round</dt>
          <dd className="display mt-1 text-3xl">{count(me.inRoundSats)} sat</dd>
        </div>
      </dl>
      <ErrorNote failure={enter.failed} />
      {closed && (
        <p className="text-sm text-mist">
          Entries of this round are closed. The picture stays approved: enter it when the next round opens.
        </p>
      )}
      {missing > 0 && !closed && (
        <p className="text-sm text-mist">
          You are {count(missing)} sat short. Put sats into this round first; the picture stays approved.
        </p>
      )}
      <Button
        look="primary"
        size="large"
        wide
        pending={enter.pending}
        disabled={closed}
        onClick={
          missing > 0 ? () => openWallet(`Entering costs ${count(round.entryPrice)} sat.`, "enter") : submit
        }
        data-testid={missing > 0 ? "enter-fund" : "enter-submit"}
      >
        {missing > 0 ? "Add sats to the round" : `Enter for ${count(round.entryPrice)} sat`}
      </Button>
      <Button onClick={onOther} wide>
        Choose another picture
      </Button>
    </div>
  );
}
