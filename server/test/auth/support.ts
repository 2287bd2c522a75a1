/**
 * An auth service behind the real HTTP pipeline and a real Redis, and players who can sign.
 * Owns: starting and stopping those, the clock they read. Does not own: what is asserted.
 */
import type { AddressInfo } from "node:net";
import { addressOf, publicKeyOf, signCompact } from "@meme-rounds/shared-schema/crypto";
import {
  type challengeAnswer,
  type Problem,
  problemSchema,
  tokensAnswer,
} from "@meme-rounds/shared-schema/rest";
import { ecdsaIdentity, playKeyProofBytes, signBsm } from "@meme-rounds/shared-schema/sign-in";
import express from "express";
import type { z } from "zod";
import {
  type AuthDeps,
  type AuthOptions,
  type AuthService,
  createAuthService,
} from "../../src/auth/index.ts";
import { apiRouter } from "../../src/infra/http.ts";
import { createLimiter } from "../../src/infra/limiter.ts";
import { createLogger } from "../../src/infra/logger.ts";
import type { Redis } from "../../src/infra/redis.ts";

export const DOMAIN = "play.example";
export const JWT_SECRET = "a secret that only these tests know, 32+ bytes";
const WIDE = { points: 10_000, seconds: 60 };

export type Tokens = z.output<typeof tokensAnswer>;
type ChallengeAnswer = z.output<typeof challengeAnswer>;

export interface Reply {
  status: number;
  body: unknown;
  /** The problem document. Throws when the answer is none. */
  problem(): Problem;
}

export interface Harness {
  auth: AuthService;
  clock: { ms: number };
  /** Where it answers, for who needs more than `call`. */
  url: string;
  call(method: string, path: string, input?: { body?: unknown; token?: string }): Promise<Reply>;
  close(): Promise<void>;
}

/** Serves an auth service; rate limits are wide open unless `options.limits` says otherwise. */
export async function startAuth(
  redis: Redis,
  options: Partial<AuthOptions> = {},
  more: Partial<AuthDeps> = {},
): Promise<Harness> {
  const clock = { ms: Date.UTC(2026, 10, 22, 15) };
  const logger = createLogger("auth-test", "silent");
  const auth = createAuthService(
    {
      domain: DOMAIN,
      network: "devchain",
      adminIdentities: [],
      jwtSecrets: [JWT_SECRET],
      limits: {
        challenge: { name: "test.challenge", ...WIDE },
        verify: { name: "test.verify", ...WIDE },
        refresh: { name: "test.refresh", ...WIDE },
      },
      ...options,
    },
    { redis, logger, now: () => clock.ms, ...more },
  );
  const app = express();
  const { authenticate } = auth;
  app.use("/api", apiRouter(auth.routes, { authenticate, limiter: createLimiter(redis), logger }));
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/api`;
  return {
    auth,
    clock,
    url,
    async call(method, path, { body, token } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      return { status: response.status, body: answer, problem: () => problemSchema.parse(answer) };
    },
    async close() {
      await auth.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Player {
  root: Uint8Array;
  play: Uint8Array;
  address: string;
  playKey: string;
  identity: string;
}

/** A player whose two keys follow from two small numbers; equal numbers give equal keys. */
export function player(rootNumber: number, playNumber = rootNumber + 128): Player {
  const root = new Uint8Array(32).fill(rootNumber);
  const play = new Uint8Array(32).fill(playNumber);
  const rootKey = publicKeyOf(root);
  return {
    root,
    play,
    address: addressOf(rootKey, "devchain"),
    playKey: publicKeyOf(play),
    identity: ecdsaIdentity(rootKey),
  };
}

export async function challenge(harness: Harness, who: Player): Promise<ChallengeAnswer> {
  const { address, playKey } = who;
  const reply = await harness.call("POST", "/auth/challenge", {
    body: { wallet: "manual", address, playKey },
  });
  if (reply.status !== 200) throw new Error(`challenge: ${JSON.stringify(reply.body)}`);
  return reply.body as ChallengeAnswer;
}

/** The body of POST /auth/verify that an honest player sends. */
export const answerTo = (who: Player, { nonce, message }: { nonce: string; message: string }) => ({
  nonce,
  signature: signBsm(message, who.root),
  playSig: signCompact(playKeyProofBytes(nonce, who.identity), who.play),
});

/** An honest sign-in, whatever the answer is. */
export async function attempt(harness: Harness, who: Player): Promise<Reply> {
  const body = answerTo(who, await challenge(harness, who));
  return await harness.call("POST", "/auth/verify", { body });
}

export async function signIn(harness: Harness, who: Player): Promise<Tokens> {
  const reply = await attempt(harness, who);
  if (reply.status !== 200) throw new Error(`verify: ${JSON.stringify(reply.body)}`);
  return tokensAnswer.parse(reply.body);
}
