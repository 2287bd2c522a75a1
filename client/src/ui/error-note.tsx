/** A failure as a sentence and what to do about it (R9). Does not own: where failures come from. */
import type { Failure } from "../app/model.ts";
import { explain } from "./words.ts";

export function ErrorNote({ failure }: { failure: Failure | undefined }) {
  if (!failure) return null;
  const { code, sentence, advice } = explain(failure);
  return (
    <div
      role="alert"
      data-testid="error"
      data-code={code}
      className="rounded-xl border-l-4 border-flare bg-flare/12 px-4 py-3 text-sm"
    >
      <p className="font-semibold text-flare">{sentence}</p>
      <p className="mt-1 text-chalk">{advice}</p>
    </div>
  );
}
