/**
 * Other wallets to sign in with (I1): those in this browser as buttons, the others with where to get them.
 * Owns: showing which are here, also those that start late, and waiting for a wallet's window. In a chunk of its own.
 */
import { useEffect, useState } from "react";
import { useSignerActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { CATALOG, type CatalogEntry, type InstalledId, watchWallets } from "../../wallet/adapters/catalog.ts";

function after(ms: number, work: () => void): () => void {
  const timer = window.setTimeout(work, ms);
  return () => window.clearTimeout(timer);
}

export default function Wallets() {
  const [found, setFound] = useState<readonly InstalledId[]>([]);
  const [asked, setAsked] = useState<CatalogEntry>();
  const signer = useSignerActions();
  const signIn = useTask((id: InstalledId) => signer.signIn(id));
  useEffect(() => watchWallets({ host: window, after }, setFound), []);

  const here = CATALOG.filter(({ id }) => found.includes(id));
  const hasYours = here.some(({ id }) => id === "yours" || id === "yours-legacy");
  const missing = CATALOG.filter(
    ({ id, isOld }) => !isOld && !found.includes(id) && !(id === "yours" && hasYours),
  );
  const ask = (entry: CatalogEntry): void => {
    setAsked(entry);
    void signIn.run(entry.id);
  };
  return (
    <section aria-label="Other wallets" className="flex flex-col gap-3">
      <h3 className="text-lg">{here.length > 0 ? "Or sign in with your wallet" : "Other wallets"}</h3>
      <ErrorNote failure={signIn.failed} />
      {signIn.pending && asked && (
        <div
          role="status"
          data-testid="wallet-waiting"
          className="flex items-center justify-between gap-3 rounded-xl bg-raised p-4 text-sm"
        >
          <p>
            Look for the window of {asked.name}: it asks you to connect, then to sign a text. Nothing is
            spent.
          </p>
          <Button size="small" look="outline" onClick={signer.cancel} data-testid="wallet-cancel">
            Stop waiting
          </Button>
        </div>
      )}
      {here.length > 0 && (
        <ul className="flex flex-col gap-2">
          {here.map((entry) => (
            <li key={entry.id}>
              <button
                type="button"
                disabled={signIn.pending}
                aria-busy={(signIn.pending && asked?.id === entry.id) || undefined}
                onClick={() => ask(entry)}
                data-testid={`wallet-${entry.id}`}
                className="w-full rounded-xl border-2 border-edge px-4 py-3 text-left transition-colors duration-150 hover:border-acid disabled:border-line disabled:text-mist"
              >
                <span className="font-display font-bold">{entry.name}</span>
                <span className="mt-0.5 block text-sm text-mist">{entry.about}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {missing.length > 0 && (
        <ul aria-label="Not in this browser">
          {missing.map(({ id, name, homepage }) => (
            <li
              key={id}
              className="flex items-center justify-between gap-4 border-b border-line py-2.5 last:border-0"
            >
              <span className="font-medium">
                {name} <span className="text-sm font-normal text-mist">is not in this browser</span>
              </span>
              <a
                href={homepage}
                target="_blank"
                rel="noreferrer"
                data-testid={`wallet-get-${id}`}
                aria-label={`Get ${name} (opens a new page)`}
                className="shrink-0 text-sm underline decoration-edge underline-offset-4 hover:text-acid"
              >
                Get it
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
