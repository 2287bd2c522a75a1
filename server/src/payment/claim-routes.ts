/** /auditor: what the public may ask of the auditor (protocol.md 5). Owns: the route and its limit; it only passes on. */
import { claimAnswer, claimBody } from "@meme-rounds/shared-schema/rest";
import { type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import type { AuditorDesk } from "./auditor/desk.ts";

export const claimRoutes = (deps: { desk: Pick<AuditorDesk, "claim"> }): Route[] => [
  route({
    method: "post",
    path: "/auditor/claims",
    summary: "Holds a round's settlement over a receipt that its journal does not honour (M4)",
    auth: "none",
    body: claimBody,
    answer: claimAnswer,
    errors: ["BAD_REQUEST", "RATE_LIMITED", "RECEIPT_INVALID", "ROUND_UNKNOWN", "UNAVAILABLE"],
    limit: LIMITS.claims,
    handler: ({ body }) => deps.desk.claim(body.receipt),
  }),
];
