/** REST contracts of the address lists (I5), for admins. Owns: shapes only. */
import { z } from "zod";

const time = z.number().int().nonnegative().max(8.64e15);

export const ipRuleSchema = z.strictObject({
  id: z.string(),
  /** One written form: network address and length. */
  cidr: z.string(),
  kind: z.enum(["allow", "deny"]),
  reason: z.string(),
  /** Identity string of who made it. */
  by: z.string(),
  /** ms since the epoch, as is the next. */
  createdAt: time,
  /** Absent: until it is taken away. */
  expiresAt: time.optional(),
});
export type IpRule = z.infer<typeof ipRuleSchema>;

export const ipRulesAnswer = z.strictObject({
  rules: z.array(ipRuleSchema),
  /** The address this call came from, as the server sees it. */
  yourIp: z.string(),
});

export const addIpRuleBody = z.strictObject({
  /** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
  cidr: z.string().min(1).max(64),
  kind: z.enum(["allow", "deny"]),
  reason: z.string().trim().min(1).max(200),
  expiresAt: time.optional(),
  /** Also when it locks out the caller. */
  force: z.boolean().default(false),
});
