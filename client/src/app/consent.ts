/**
 * Terms and age, accepted by signing in (I6). Owns: which version was accepted in this browser, that nothing else is
 * signed than what was shown. Does not own: the words (features/consent), the record of it (the server).
 */

import type { User } from "@meme-rounds/shared-schema/rest";
import { acceptedTerms, TERMS } from "@meme-rounds/shared-schema/terms";
import type { Claimant } from "../net/session.ts";
import { Refusal } from "../wallet/refusal.ts";
import type { NoticeVm } from "./model.ts";

export interface Consent {
  /** The person pressed a button that says so. */
  agreed(): void;
  /** The version that this person still has to accept; 0 is none. Says so once. */
  due(user: User | undefined): number;
  /** Refuses to sign terms that this browser has not shown, or that were not accepted in it. */
  guard(claimant: Claimant): Claimant;
}

const KEY = "mr:terms";

export function createConsent(deps: {
  storage: Pick<Storage, "getItem" | "setItem">;
  notice(kind: NoticeVm["kind"], text: string): void;
}): Consent {
  const { storage } = deps;
  let said = 0;
  return {
    agreed: () => storage.setItem(KEY, String(TERMS.version)),
    due(user) {
      if (user === undefined || user.terms.accepted >= user.terms.version) return 0;
      const { version } = user.terms;
      if (said !== version)
        deps.notice("info", "The terms have changed. Open your wallet to read and accept them.");
      said = version;
      return version;
    },
    guard: (claimant) => ({
      ...claimant,
      async prove(challenge) {
        const asked = acceptedTerms(challenge.message) ?? 0;
        if (asked > TERMS.version)
          throw new Refusal("CONSENT_REQUIRED", "The terms have changed: load the page again to read them.");
        // Not the other way round: what is damaged is no number, and accepts nothing.
        if (!(asked <= Number(storage.getItem(KEY) ?? 0)))
          throw new Refusal("CONSENT_REQUIRED", "Sign in once more in the wallet: that accepts the terms.");
        return await claimant.prove(challenge);
      },
    }),
  };
}
