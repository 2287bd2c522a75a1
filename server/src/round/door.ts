/** Who may join a round's room (I2, I6). Owns: that check and how a refusal reaches the client's SDK. Not: tokens, terms. */
import { CodedError, ERRORS } from "@meme-rounds/shared-schema/errors";
import { MatchmakeErrorCode, ServerError } from "../infra/colyseus.ts";
import type { Caller } from "../infra/http.ts";
import type { AuthPort } from "./ports.ts";

/** The player of an access token. Throws ServerError with AUTH_REQUIRED, TOKEN_INVALID or SELF_EXCLUDED in its text. */
export async function admitToRoom(auth: AuthPort, token: string | undefined): Promise<Caller> {
  try {
    if (token === undefined || token === "") throw new CodedError("AUTH_REQUIRED");
    const caller = await auth.authenticate(token);
    await auth.play.admit(caller.identity, "join");
    return caller;
  } catch (error) {
    const code = error instanceof CodedError ? error.code : "INTERNAL";
    throw new ServerError(MatchmakeErrorCode.AUTH_FAILED, `${code}: ${ERRORS[code].sentence}`);
  }
}
