/** Who may join a round's room (I2, I5, I6). Owns: that check and how a refusal reaches the client's SDK. Not: tokens, terms. */
import { CodedError, ERRORS } from "@meme-rounds/shared-schema/errors";
import { MatchmakeErrorCode, ServerError } from "../infra/colyseus.ts";
import type { Caller } from "../infra/http.ts";
import type { SharedLimiter } from "../infra/limiter.ts";
import { LIMITS } from "../infra/limits.ts";
import type { AuthPort } from "./ports.ts";

/** Who sits in a room. */
export interface Seated extends Caller {
  /** The address the seat was taken from, as the gate saw it (I5). */
  ip: string;
  /** When the session has to be looked up again, ms since the epoch. */
  expiresAt: number;
}

export interface DoorDeps {
  auth: AuthPort;
  limiter: Pick<SharedLimiter, "judge" | "kickedFor">;
}

/** How often an identity may come, and that it was not thrown out a moment ago. Throws RATE_LIMITED. */
async function notTooOften({ limiter }: DoorDeps, identity: string): Promise<void> {
  const [standing, ms] = await Promise.all([
    limiter.judge(LIMITS.joinIdentity, identity),
    limiter.kickedFor([identity]),
  ]);
  if (standing.verdict !== "ok" || ms > 0) throw new CodedError("RATE_LIMITED");
}

/**
 * The player of an access token. `ip`: where the seat is taken from.
 * Throws ServerError with AUTH_REQUIRED, TOKEN_INVALID, RATE_LIMITED or SELF_EXCLUDED in its text.
 */
export async function admitToRoom(
  deps: DoorDeps,
  token: string | undefined,
  ip: string | undefined,
): Promise<Seated> {
  try {
    if (token === undefined || token === "") throw new CodedError("AUTH_REQUIRED");
    const caller = await deps.auth.authenticate(token);
    await notTooOften(deps, caller.identity);
    await deps.auth.play.admit(caller.identity, "join");
    return { ...caller, ip: ip ?? "unknown" };
  } catch (error) {
    const code = error instanceof CodedError ? error.code : "INTERNAL";
    throw new ServerError(MatchmakeErrorCode.AUTH_FAILED, `${code}: ${ERRORS[code].sentence}`);
  }
}
