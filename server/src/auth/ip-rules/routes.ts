/**
 * Admins' routes for the address lists (I5). Owns: the route table, that an admin does not lock himself out by
 * accident, that the audit log is written first. Does not own: the lists (infra/ip-rules.ts), roles.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { okAnswer } from "@meme-rounds/shared-schema/rest";
import { addIpRuleBody, ipRuleSchema, ipRulesAnswer } from "@meme-rounds/shared-schema/rest-ip-rules";
import { z } from "zod";
import type { AuditPort } from "../../infra/audit.ts";
import { parseBlock } from "../../infra/cidr.ts";
import { callerOf, type Route, route } from "../../infra/http.ts";
import type { IpRules } from "../../infra/ip-rules.ts";

export interface IpRuleRoutesDeps {
  rules: IpRules;
  audit?: AuditPort;
  /** ms since the epoch. */
  now(): number;
}

export function ipRuleRoutes({ rules, audit, now }: IpRuleRoutesDeps): Route[] {
  /** An admin that is refused already has nothing to lose: only a change to the worse counts. */
  const locksOut = (ip: string, change: Parameters<IpRules["verdictWith"]>[1]): boolean =>
    rules.verdict(ip) !== "deny" && rules.verdictWith(ip, change) === "deny";

  return [
    route({
      method: "get",
      path: "/admin/ip-rules",
      summary: "The allow and deny lists of addresses, newest first.",
      auth: "admin",
      answer: ipRulesAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "ROLE_REQUIRED"],
      handler: async ({ ip }) => ({ rules: rules.list(), yourIp: ip }),
    }),
    route({
      method: "post",
      path: "/admin/ip-rules",
      summary: "Allow or deny a block of addresses, on every process within a second. Allow beats deny.",
      auth: "admin",
      body: addIpRuleBody,
      answer: ipRuleSchema,
      status: 201,
      errors: [
        "AUTH_REQUIRED",
        "TOKEN_INVALID",
        "ROLE_REQUIRED",
        "BAD_REQUEST",
        "IP_RULE_INVALID",
        "IP_RULE_LOCKS_OUT",
        "IP_RULES_FULL",
      ],
      async handler(input) {
        const { identity: by } = callerOf(input);
        const { cidr: written, kind, reason, expiresAt, force } = input.body;
        const block = parseBlock(written);
        if (block === undefined) throw new CodedError("IP_RULE_INVALID");
        const createdAt = now();
        if (expiresAt !== undefined && expiresAt <= createdAt)
          throw new CodedError("IP_RULE_INVALID", "expiresAt has passed already.");
        const { cidr } = block;
        const rule = { cidr, kind, reason, by, createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) };
        if (!force && locksOut(input.ip, { add: { id: "", ...rule } }))
          throw new CodedError("IP_RULE_LOCKS_OUT");
        await audit?.note({
          by,
          action: "ip-rule.add",
          target: cidr,
          reason,
          details: { kind, force, ...(expiresAt === undefined ? {} : { expiresAt }) },
        });
        return await rules.add(rule);
      },
    }),
    route({
      method: "delete",
      path: "/admin/ip-rules/:id",
      summary: "Take a rule away, on every process within a second.",
      auth: "admin",
      params: z.strictObject({ id: z.string().min(1).max(64) }),
      query: z.object({ force: z.enum(["true", "false"]).default("false") }),
      answer: okAnswer,
      errors: ["AUTH_REQUIRED", "TOKEN_INVALID", "ROLE_REQUIRED", "IP_RULE_UNKNOWN", "IP_RULE_LOCKS_OUT"],
      async handler(input) {
        const { identity: by } = callerOf(input);
        const rule = rules.list().find(({ id }) => id === input.params.id);
        if (rule === undefined) throw new CodedError("IP_RULE_UNKNOWN");
        const force = input.query.force === "true";
        if (!force && locksOut(input.ip, { without: rule.id })) throw new CodedError("IP_RULE_LOCKS_OUT");
        const { cidr: target, kind, reason } = rule;
        await audit?.note({ by, action: "ip-rule.remove", target, reason, details: { kind, force } });
        await rules.remove(rule.id);
        return { ok: true as const };
      },
    }),
  ];
}
