/** Signing in: one press makes a key when there is none, and signs in with it. Does not own: the key (I1). */
import { useActions, useWallet } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { COMING_WALLETS } from "../../wallet/adapters/coming.ts";

export function SignIn() {
  const wallet = useWallet();
  const actions = useActions();
  const signIn = useTask(() => actions.signIn());
  const create = useTask(async () => {
    const made = await actions.createWallet();
    return made.ok ? actions.signIn() : made;
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

export function OtherWallets() {
  return (
    <section aria-label="Other wallets">
      <h3 className="text-lg">Other wallets</h3>
      <p className="mt-2 text-sm text-mist">{COMING_WALLETS[0]?.advice}</p>
      <ul className="mt-2">
        {COMING_WALLETS.map(({ kind, name, homepage }) => (
          <li
            key={kind}
            className="flex items-center justify-between border-b border-line py-2.5 last:border-0"
          >
            <a
              href={homepage}
              target="_blank"
              rel="noreferrer"
              className="font-medium underline decoration-edge underline-offset-4 hover:text-acid"
            >
              {name}
            </a>
            <span className="text-sm text-mist">coming</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
