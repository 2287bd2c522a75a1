/** What signing in means, above the button that does it (I6). Does not own: the button, the record of it. */
import { TERMS } from "@meme-rounds/shared-schema/terms";

const link = "font-medium text-chalk underline decoration-edge underline-offset-4 hover:text-acid";

/** The links open beside the page: a sheet is open, and what was begun in it stays. */
export function TermsLinks() {
  return (
    <>
      <a href="/terms" target="_blank" rel="noreferrer" className={link}>
        terms
      </a>{" "}
      and the{" "}
      <a href="/privacy" target="_blank" rel="noreferrer" className={link}>
        privacy page
      </a>
    </>
  );
}

export function ConsentNote() {
  return (
    <p className="text-sm text-mist" data-testid="consent-note">
      By signing in you say that you are {TERMS.minAge} or older, and accept the <TermsLinks />.
    </p>
  );
}
