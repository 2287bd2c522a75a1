/**
 * Signing in (I1): one press makes a key when there is none, and signs in with it; or the wallet of last time.
 * Does not own: keys, or the other wallets to choose from (wallets.tsx).
 */
import { useActions, useSigner, useSignerActions, useWallet } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { shortId } from "../../ui/words.ts";
import { ConsentNote } from "../consent/consent-note.tsx";

export function SignIn() {
  const signer = useSigner();
  return (
    <div className="flex flex-col gap-3">
      {signer.id === "manual" ? <OwnKey /> : <AsLastTime />}
      <ConsentNote />
    </div>
  );
}

function OwnKey() {
  const wallet = useWallet();
  const actions = useActions();
  const signer = useSignerActions();
  const signIn = useTask(() => signer.signIn());
  const create = useTask(async () => {
    const made = await actions.createWallet();
    return made.ok ? signer.signIn("manual") : made;
  });
  // While the key is new the button stays the one that was pressed: it is still at work.
  const fresh = !wallet.exists || create.pending;
  const task = fresh ? create : signIn;
  return (
    <div className="flex flex-col gap-4">
      <p className="text-mist">
        {fresh
          ? "One press makes a key in this browser and signs you in with it. No name, no mail, no install."
          : "Your key is in this browser. Signing in proves that it is yours; it spends nothing."}
      </p>
      <ErrorNote failure={create.failed ?? signIn.failed} />
      <Button
        look="primary"
        size="large"
        wide
        pending={task.pending}
        onClick={() => task.run()}
        data-testid={fresh ? "wallet-create" : "sign-in"}
      >
        {fresh ? "Make a key and play" : "Sign in"}
      </Button>
    </div>
  );
}

function AsLastTime() {
  const { id, name, address } = useSigner();
  const signer = useSignerActions();
  const again = useTask(() => signer.signIn(id));
  const own = useTask(() => signer.signIn("manual"));
  return (
    <div className="flex flex-col gap-4">
      <p className="text-mist">
        Last time you came with {name}, account {shortId(address, 8)}. Signing in spends nothing; this
        browser&apos;s play wallet holds your coins.
      </p>
      <ErrorNote failure={again.failed ?? own.failed} />
      <Button
        look="primary"
        size="large"
        wide
        pending={again.pending}
        disabled={own.pending}
        onClick={() => again.run()}
        data-testid="sign-in"
      >
        Sign in with {name}
      </Button>
      {again.pending ? (
        <Button look="outline" wide onClick={signer.cancel} data-testid="sign-in-cancel">
          Stop waiting
        </Button>
      ) : (
        <Button wide pending={own.pending} onClick={() => own.run()} data-testid="sign-in-own">
          Play with a key in this browser
        </Button>
      )}
    </div>
  );
}
