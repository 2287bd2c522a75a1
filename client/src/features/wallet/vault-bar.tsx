/** A quiet line above the page: another tab plays, or a backup is due. Owns: the line, and asking for the key. */
import { lazy, Suspense } from "react";
import { useMe, useVault, useVaultActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { useTask } from "../../ui/use-task.ts";
import { useSheets } from "../sheets.tsx";

const UnlockSheet = lazy(() => import("./unlock-sheet.tsx"));

export function VaultBar() {
  const vault = useVault();
  const { signedIn } = useMe();
  return (
    <>
      {vault.state === "elsewhere" && signedIn && <Elsewhere />}
      {vault.state !== "elsewhere" && vault.remind && <Remind />}
      {vault.asking && (
        <Suspense>
          <UnlockSheet />
        </Suspense>
      )}
    </>
  );
}

const LINE =
  "mt-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-xl bg-raised px-4 py-2.5 text-sm font-medium";

function Elsewhere() {
  const actions = useVaultActions();
  const take = useTask(() => actions.takeOver());
  return (
    <div role="status" className={LINE} data-testid="elsewhere">
      <span>You are playing in another tab. Here you watch.</span>
      <Button
        size="small"
        look="outline"
        pending={take.pending}
        onClick={() => take.run()}
        data-testid="play-here"
      >
        Play here
      </Button>
    </div>
  );
}

function Remind() {
  const actions = useVaultActions();
  const sheets = useSheets();
  return (
    <div role="status" className={LINE} data-testid="remind">
      <span>Your coins hang on a key in this browser alone.</span>
      <span className="flex gap-2">
        <Button
          size="small"
          look="outline"
          onClick={() => sheets.openWallet("Back up your key: 12 words or a file.")}
          data-testid="remind-backup"
        >
          Back it up
        </Button>
        <Button size="small" onClick={actions.dismiss} data-testid="remind-later">
          Later
        </Button>
      </span>
    </div>
  );
}
