/** An operator ends the live round (E10). Owns: the order of its steps (I4). Does not own: what ending it does (life.ts). */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { AuditPort } from "../infra/audit.ts";
import type { RoundDirectory } from "./directory.ts";

export interface CancelDeps {
  directory: Pick<RoundDirectory, "live">;
  /** Knows of it before anything is done. */
  audit?: AuditPort;
  /** Reaches the room in whichever process hosts it; rejects when it does not end. */
  tell(roomId: string, by: string, reason: string): Promise<void>;
}

/** Throws ROUND_UNKNOWN when the round is not the arena's live one. `by` is the operator's identity. */
export async function cancelLive(
  order: { arena: string; roundId: string; by: string; reason: string },
  { directory, audit, tell }: CancelDeps,
): Promise<void> {
  const { arena, roundId, by, reason } = order;
  const live = await directory.live(arena);
  if (live?.roundId !== roundId) throw new CodedError("ROUND_UNKNOWN", "This round is not live.");
  await audit?.note({ by, action: "round.cancel", target: roundId, reason });
  await tell(live.roomId, by, reason);
}
