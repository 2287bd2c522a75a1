/**
 * The player's wallet: sign in, coins, deposit, backup. Owns: which parts are shown when.
 * Does not own: keys, coins or sessions.
 */
import { lazy } from "react";
import { useActions, useMe, useRound, useSigner, useWallet } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Part } from "../../ui/part.tsx";
import { Sheet } from "../../ui/sheet.tsx";
import { linkTo } from "../../ui/use-path.ts";
import { useTask } from "../../ui/use-task.ts";
import { count } from "../../ui/words.ts";
import { TermsDue } from "../consent/terms-due.tsx";
import { DepositForm } from "./deposit-form.tsx";
import { Receive } from "./receive.tsx";
import { Reclaim } from "./reclaim.tsx";
import { SignIn } from "./sign-in.tsx";

const Keep = lazy(() => import("./keep.tsx"));
const Bounds = lazy(() => import("../limits/bounds.tsx"));
const Money = lazy(() => import("./money.tsx"));
const Signer = lazy(() => import("./signer.tsx"));
const Wallets = lazy(() => import("./wallets.tsx"));

interface WalletSheetProps {
  open: boolean;
  /** Why it opened, when the person asked for something else. */
  reason: string | undefined;
  onClose(): void;
}

export function WalletSheet({ open, reason, onClose }: WalletSheetProps) {
  const me = useMe();
  return (
    <Sheet
      open={open}
      title={me.signedIn ? "Your wallet" : "Get in the arena"}
      testId="wallet-sheet"
      onClose={onClose}
    >
      {reason && <p className="-mt-3 text-lg font-medium text-acid">{reason}</p>}
      {me.signedIn ? <Inside onClose={onClose} /> : <Outside />}
    </Sheet>
  );
}

function Outside() {
  return (
    <>
      <SignIn />
      <Part>
        <Wallets />
      </Part>
      <Reclaim />
      <Part>
        <Keep signedIn={false} />
      </Part>
    </>
  );
}

function Inside({ onClose }: { onClose(): void }) {
  const me = useMe();
  const wallet = useWallet();
  const round = useRound();
  const actions = useActions();
  const signer = useSigner();
  const leave = useTask(() => actions.signOut());
  return (
    <>
      <TermsDue />
      <dl className="figures grid grid-cols-2 gap-3">
        <div className="rounded-2xl bg-acid p-4 text-ink">
          <dt className="text-sm font-semibold">In this round</dt>
          <dd className="display mt-2 text-4xl">{count(me.inRoundSats)}</dd>
          <dd className="mt-2 text-sm font-medium">sat to play with</dd>
        </div>
        <div className="rounded-2xl bg-raised p-4">
          <dt className="text-sm font-semibold text-mist">In the wallet</dt>
          <dd className="display mt-2 text-4xl">{count(wallet.balanceSats)}</dd>
          <dd className="mt-2 text-sm font-medium text-mist">
            {wallet.busy ? "updating…" : "sat, on chain"}
          </dd>
        </div>
      </dl>
      {signer.id !== "manual" && (
        <Part>
          <Signer />
        </Part>
      )}
      <Reclaim />
      {round && <DepositForm round={round} balanceSats={wallet.balanceSats} />}
      <Receive
        address={wallet.address}
        devchain={round?.network === "devchain"}
        empty={wallet.balanceSats === 0}
      />
      <Part>
        <Money />
      </Part>
      <Part>
        <Keep signedIn />
        <Bounds />
      </Part>
      <div className="flex flex-col gap-3 border-t border-line pt-5">
        <a
          {...linkTo("/me", onClose)}
          data-testid="dashboard-open"
          className="py-1 font-display text-lg font-bold hover:text-acid"
        >
          Your page: rounds, earnings, devices
        </a>
        <ErrorNote failure={leave.failed} />
        <Button look="quiet" pending={leave.pending} onClick={() => leave.run()} data-testid="sign-out">
          Sign out
        </Button>
        <p className="text-sm text-mist">The key stays in this browser. Signing in again takes one press.</p>
      </div>
    </>
  );
}
