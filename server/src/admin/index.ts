/**
 * Administration (I4): its public file. Owns: the audit log and its route. Does not own: the admin routes of other
 * services, which write their actions to `audit` before they carry them out.
 */
import { auditAnswer } from "@meme-rounds/shared-schema/rest-admin";
import { z } from "zod";
import type { AuditPort } from "../infra/audit.ts";
import { type Route, route } from "../infra/http.ts";
import { type AuditLogDeps, createAuditLog } from "./audit-log.ts";

export interface AdminService {
  routes: Route[];
  audit: AuditPort;
}

export function createAdminService(deps: AuditLogDeps): AdminService {
  const log = createAuditLog(deps);
  return {
    audit: log,
    routes: [
      route({
        method: "get",
        path: "/admin/audit",
        summary:
          "What admins and moderators did, newest first; each record holds the hash of the one before.",
        auth: "admin",
        query: z.object({
          cursor: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
        }),
        answer: auditAnswer,
        errors: ["AUTH_REQUIRED", "BAD_REQUEST", "ROLE_REQUIRED"],
        async handler({ query }) {
          const { next, ...page } = await log.page(query.cursor);
          return next === undefined ? page : { ...page, next: String(next) };
        },
      }),
    ],
  };
}

/** I4: for the ledger's links: the hash of the newest record, hex; zeros where there is none. */
export const auditHead = (deps: AuditLogDeps): Promise<string> => createAuditLog(deps).head();
