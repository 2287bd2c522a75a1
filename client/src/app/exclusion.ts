/**
 * Somebody who has excluded themselves from playing watches (I6). Owns: remembering, for this page load, that the room
 * said so. Does not own: the exclusion; the server has it, by identity.
 */
import { ERRORS } from "@meme-rounds/shared-schema/errors";
import { type Failure, failure, type NoticeVm } from "./model.ts";

export interface Exclusion {
  /** Why the room did not let the player in. */
  refused(reason: string): void;
  /** What every try to play is answered with; undefined while nothing is known. */
  failure(): Failure | undefined;
  /** Somebody else may have signed in. */
  forget(): void;
}

export function createExclusion(deps: {
  notice(kind: NoticeVm["kind"], text: string): void;
  /** The person watches from now on. */
  excluded(): void;
}): Exclusion {
  const { sentence, advice } = ERRORS.SELF_EXCLUDED;
  let known = false;
  return {
    refused(reason) {
      if (known || !reason.includes("SELF_EXCLUDED")) return;
      known = true;
      deps.notice("info", `${sentence} ${advice}`);
      deps.excluded();
    },
    failure: () => (known ? failure("SELF_EXCLUDED", sentence) : undefined),
    forget() {
      known = false;
    },
  };
}
