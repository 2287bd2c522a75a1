/** New terms for somebody who is signed in: read, accept, play on (I6). Does not own: the action, what is refused. */
import { TERMS } from "@meme-rounds/shared-schema/terms";
import { useActions, useMe } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { TermsLinks } from "./consent-note.tsx";

export function TermsDue() {
  const { termsDue } = useMe();
  const actions = useActions();
  const accept = useTask(() => actions.acceptTerms());
  if (termsDue === 0) return null;
  // The server has newer terms than the text this page was built with.
  const isOld = termsDue > TERMS.version;
  return (
    <section
      aria-label="New terms"
      data-testid="terms-due"
      className="flex flex-col gap-3 rounded-2xl border-2 border-acid p-4"
    >
      <h3 className="text-lg">The terms have changed</h3>
      <p className="text-sm text-mist">
        Read the <TermsLinks />. Until you accept them you can watch, chat, boost with what is in the round,
        and withdraw; deposits and entries wait.
      </p>
      <ErrorNote failure={accept.failed} />
      {isOld ? (
        <Button look="primary" onClick={() => location.reload()}>
          Load the new page
        </Button>
      ) : (
        <Button
          look="primary"
          pending={accept.pending}
          onClick={() => accept.run()}
          data-testid="terms-accept"
        >
          I am {TERMS.minAge} or older and accept
        </Button>
      )}
    </section>
  );
}
