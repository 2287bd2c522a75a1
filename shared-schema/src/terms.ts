/**
 * The terms that are in force (I6). Owns: their version, the least age, the sentence a wallet signs about them.
 * Does not own: the text itself (docs/TERMS.md), who accepted what (the auth service).
 */

export interface Terms {
  /** Counts up by one whenever the text changes for the reader. */
  version: number;
  /** Years. */
  minAge: number;
}

/** In force now. Change `version` together with docs/TERMS.md: everybody is asked once more. */
export const TERMS: Terms = { version: 1, minAge: 18 };

/** What the signer says about the terms, as a line of the challenge: signing in is accepting them. */
export const termsLine = ({ version, minAge }: Terms): string =>
  `By signing you accept the terms, version ${version}, and say that you are ${minAge} or older.`;

/** The version of the terms that a signed challenge accepts; undefined when it says nothing about them. */
export function acceptedTerms(message: string): number | undefined {
  const version = /^By signing you accept the terms, version (\d{1,9}), /m.exec(message)?.[1];
  return version === undefined ? undefined : Number(version);
}
