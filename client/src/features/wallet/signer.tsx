/**
 * Who signed in, where that is another wallet than this browser's (I1), and what to do when that wallet went on to
 * another account. Does not own: noticing it (app/identity.ts). In a chunk of its own.
 */
import { useSigner, useSignerActions } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { shortId } from "../../ui/words.ts";

export default function Signer() {
  const { id, name, address, now, nowAddress } = useSigner();
  const signer = useSignerActions();
  const change = useTask(() => signer.signIn(id));
  const nowWords = nowAddress === "" ? "another account" : `account ${shortId(nowAddress, 8)}`;
  return (
    <section aria-label="Signed in with" className="flex flex-col gap-3 rounded-2xl bg-raised p-4 text-sm">
      <p data-testid="signer" data-address={address}>
        Signed in with <strong>{name}</strong>, account <span className="break-all">{address}</span>. The play
        wallet of this browser holds and pays your coins.
      </p>
      {now !== "same" && (
        <div
          role="status"
          data-testid="signer-changed"
          className="flex flex-col gap-3 border-t border-line pt-3"
        >
          <p className="text-flare">
            {now === "left"
              ? `${name} has signed out or is locked. You still play as before until you sign out here.`
              : `${name} is on ${nowWords} now. You still play as ${shortId(address, 8)}.`}
          </p>
          <ErrorNote failure={change.failed} />
          <div className="flex flex-wrap gap-2">
            {now === "switched" && (
              <Button
                size="small"
                look="solid"
                pending={change.pending}
                onClick={() => change.run()}
                data-testid="signer-switch"
              >
                Play as that account
              </Button>
            )}
            {change.pending ? (
              <Button size="small" look="outline" onClick={signer.cancel} data-testid="signer-cancel">
                Stop waiting
              </Button>
            ) : (
              <Button size="small" look="outline" onClick={signer.stay} data-testid="signer-stay">
                Stay
              </Button>
            )}
          </div>
        </div>
      )}
    </section>
  );
}
