/**
 * Who accepted which terms (I6). Owns: `mr:auth:consent:<identity>` (hash: version -> when, how and a hash of what
 * proves it). Does not own: the terms, what is refused without them (gate.ts).
 */
import { createHash } from "node:crypto";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { acceptedTerms, type Terms } from "@meme-rounds/shared-schema/terms";
import { z } from "zod";
import type { Redis } from "../infra/redis.ts";
import { runMulti } from "./transaction.ts";

const consentSchema = z.object({
  /** ms since the epoch. */
  at: z.number(),
  /** `signature`: the challenge that was signed said so. `session`: a press, signed in. */
  how: z.enum(["signature", "session"]),
  /** Of the challenge, or of the session. */
  nonce: z.string().optional(),
  /** sha256 of the wallet's signature, hex. */
  signatureHash: z.string().optional(),
});
export type Consent = z.infer<typeof consentSchema>;

export interface Consents {
  /** Notes what a verified sign-in said about the terms; nothing when it said nothing. The first of a version stays. */
  signed(identity: string, signed: { nonce: string; message: string; signature: string }): Promise<void>;
  /** Accepts the terms in force. Throws CONSENT_REQUIRED when `version` is another one. */
  accept(identity: string, version: number, sessionId: string): Promise<void>;
  /** The newest version accepted; 0 is none. */
  accepted(identity: string): Promise<number>;
  /** Throws CONSENT_REQUIRED unless the terms in force were accepted. */
  demand(identity: string): Promise<void>;
  all(identity: string): Promise<(Consent & { version: number })[]>;
  /** Leaves only that and when terms were accepted, for three years more. */
  reduce(identity: string): Promise<void>;
}

/** Claims about money played for are barred after three years, ms. */
const REDUCED_MS = 3 * 365 * 86_400_000;

const keyOf = (identity: string): string => `mr:auth:consent:${identity}`;

export function createConsents(
  options: { terms: Terms },
  deps: { redis: Redis; now: () => number },
): Consents {
  const { version: inForce } = options.terms;
  const { redis, now } = deps;

  const note = async (identity: string, version: number, consent: Consent): Promise<void> => {
    // Somebody who comes back after deleting everything keeps what they accept now.
    const key = keyOf(identity);
    await runMulti(redis.multi().hsetnx(key, String(version), JSON.stringify(consent)).persist(key));
  };

  const accepted = async (identity: string): Promise<number> =>
    Math.max(0, ...(await redis.hkeys(keyOf(identity))).map(Number));

  return {
    async signed(identity, { nonce, message, signature }) {
      const version = acceptedTerms(message);
      if (version === undefined) return;
      const signatureHash = createHash("sha256").update(signature).digest("hex");
      await note(identity, version, { at: now(), how: "signature", nonce, signatureHash });
    },

    async accept(identity, version, sessionId) {
      if (version !== inForce)
        throw new CodedError(
          "CONSENT_REQUIRED",
          `The terms in force are version ${inForce}. Load the page again.`,
        );
      const nonce = createHash("sha256").update(sessionId).digest("hex").slice(0, 16);
      await note(identity, version, { at: now(), how: "session", nonce });
    },

    accepted,

    async demand(identity) {
      if ((await redis.hexists(keyOf(identity), String(inForce))) === 1) return;
      // A newer process may be asking for more already; whoever accepted that has accepted enough.
      if ((await accepted(identity)) < inForce) throw new CodedError("CONSENT_REQUIRED");
    },

    async all(identity) {
      const stored = Object.entries(await redis.hgetall(keyOf(identity)));
      return stored
        .map(([version, text]) => ({ version: Number(version), ...consentSchema.parse(JSON.parse(text)) }))
        .sort((a, b) => a.version - b.version);
    },

    async reduce(identity) {
      const stored = Object.entries(await redis.hgetall(keyOf(identity)));
      if (stored.length === 0) return;
      const reduced = stored.flatMap(([version, text]) => {
        const { at, how } = consentSchema.parse(JSON.parse(text));
        return [version, JSON.stringify({ at, how })];
      });
      await runMulti(redis.multi().hset(keyOf(identity), reduced).pexpire(keyOf(identity), REDUCED_MS));
    },
  };
}
