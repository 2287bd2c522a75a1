/**
 * Being signed in (I2). Owns: the access token in memory, the refresh token in storage, refreshing before expiry, one
 * refresh at a time over all tabs. Does not own: keys or wallets; `prove` is passed in.
 */
import type { challengeAnswer, tokensAnswer, User } from "@meme-rounds/shared-schema/rest";
import type { z } from "zod";
import { failure, type Outcome } from "../app/model.ts";
import { failureOf } from "../wallet/refusal.ts";
import type { Answered, Call, Http } from "./http.ts";

type Tokens = z.infer<typeof tokensAnswer>;
export type ChallengeGiven = z.infer<typeof challengeAnswer>;

/** What a wallet has to offer for signing in. */
export interface Claimant {
  wallet: string;
  address: string;
  playKey: string;
  /** Rejects with a Refusal when the person declines. */
  prove(challenge: ChallengeGiven): Promise<Proof>;
}

interface Proof {
  signature: string;
  publicKey?: string;
  playSig: string;
}

export interface Session {
  /** True when a reload would sign in by itself. */
  isRemembered(): boolean;
  user(): User | undefined;
  /** A token good for minutes; undefined when nobody is signed in or the server is out of reach. */
  token(): Promise<string | undefined>;
  /** A call as the signed-in player; renews a refused token once. */
  call<T>(call: Call): Promise<Answered<T>>;
  /** Signs in, however long the person takes; whoever was signed in before stays so until it has worked. */
  signIn(claimant: Claimant): Promise<Outcome>;
  signOut(): Promise<Outcome>;
  /** Asks the server whether the session of this page was ended; false where nothing is known. */
  isEnded(): Promise<boolean>;
  /** Signed out here only: the server has ended the session, and nobody signs in again by themselves. */
  drop(): void;
  renamed(user: User): void;
  onChange(listener: () => void): void;
}

export interface SessionDeps {
  http: Http;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Runs work while no other tab holds the same name. */
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  now: () => number;
  /** The wallet to sign in with when the session has ended, where nobody has to be asked; undefined elsewhere. */
  claimant: () => Promise<Claimant | undefined>;
  /** A random name for one try to refresh. */
  newAttempt: () => string;
  /** The session has ended by itself, and a person has to sign in again. */
  ended?: () => void;
}

const KEY = "mr:refresh";
const ATTEMPT_KEY = "mr:refresh-attempt";
/** Access tokens live 15 min; they are replaced well before, ms. */
const RENEW_AFTER_MS = 12 * 60_000;

export function createSession(deps: SessionDeps): Session {
  const { http, storage, now } = deps;
  const listeners: (() => void)[] = [];
  let access: { token: string; renewAt: number } | undefined;
  let user: User | undefined;
  let refreshing: Promise<string | undefined> | undefined;

  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const keep = (tokens: Tokens): string => {
    // Stored before it is used: a refresh token shown twice ends the session.
    storage.setItem(KEY, tokens.refreshToken);
    access = { token: tokens.accessToken, renewAt: now() + RENEW_AFTER_MS };
    user = tokens.user;
    changed();
    return tokens.accessToken;
  };

  const forget = (): void => {
    storage.removeItem(KEY);
    access = undefined;
    user = undefined;
    changed();
  };

  /** The challenge, signed. Nothing of this session changes, so no other tab has to wait for the person. */
  const proofOf = async (claimant: Claimant): Promise<Answered<{ nonce: string } & Proof>> => {
    const { wallet, address, playKey } = claimant;
    const given = await http.request<ChallengeGiven>({
      method: "POST",
      path: "/auth/challenge",
      body: { wallet, address, playKey },
    });
    if (!given.ok) return given;
    try {
      return { ok: true, data: { nonce: given.data.nonce, ...(await claimant.prove(given.data)) } };
    } catch (error) {
      return failureOf(error);
    }
  };

  const verify = async (body: { nonce: string } & Proof): Promise<Outcome> => {
    const verified = await http.request<Tokens>({ method: "POST", path: "/auth/verify", body });
    if (!verified.ok) return verified;
    const former = access?.token;
    keep(verified.data);
    // One person at a time: the session that was here ends. If that is not heard, it runs out by itself.
    if (former !== undefined)
      void http.request({ method: "POST", path: "/auth/logout", token: former }).catch(() => undefined);
    return { ok: true };
  };

  const refresh = (): Promise<string | undefined> =>
    deps.lock("mr:session", async () => {
      const refreshToken = storage.getItem(KEY);
      if (refreshToken === null) {
        if (user !== undefined) forget(); // Signed out in another tab.
        return undefined;
      }
      // Named before it is sent: after a lost answer the same name gets the same answer, and the session lives on.
      const attempt = storage.getItem(ATTEMPT_KEY) ?? deps.newAttempt();
      storage.setItem(ATTEMPT_KEY, attempt);
      const answer = await http.request<Tokens>({
        method: "POST",
        path: "/auth/refresh",
        body: { refreshToken, attempt },
      });
      if (answer.ok || answer.code === "REFRESH_INVALID") storage.removeItem(ATTEMPT_KEY);
      if (answer.ok) return keep(answer.data);
      if (answer.code !== "REFRESH_INVALID") return undefined;
      // The session has ended: a wallet that asks nobody signs in anew.
      const claimant = await deps.claimant();
      if (claimant !== undefined) {
        const proof = await proofOf(claimant);
        const again = proof.ok ? await verify(proof.data) : proof;
        if (again.ok) return access?.token;
        if (again.code === "OFFLINE") return undefined;
      }
      forget();
      deps.ended?.();
      return undefined;
    });

  const token = async (): Promise<string | undefined> => {
    if (access !== undefined && now() < access.renewAt) return access.token;
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    return await refreshing;
  };

  const call = async <T>(one: Call): Promise<Answered<T>> => {
    const first = await token();
    if (first === undefined)
      return storage.getItem(KEY) === null
        ? failure("AUTH_REQUIRED", "Sign in first.")
        : failure("OFFLINE", "The server cannot be reached.");
    const answer = await http.request<T>({ ...one, token: first });
    if (answer.ok || answer.code !== "TOKEN_INVALID") return answer;
    if (access?.token === first) access = undefined;
    const second = await token();
    return second === undefined ? answer : await http.request<T>({ ...one, token: second });
  };

  return {
    isRemembered: () => storage.getItem(KEY) !== null,
    user: () => user,
    token,
    call,
    async signIn(claimant) {
      const proof = await proofOf(claimant);
      return proof.ok ? await deps.lock("mr:session", () => verify(proof.data)) : proof;
    },
    async signOut() {
      // A session the server cannot be told about runs out by itself.
      await call({ method: "POST", path: "/auth/logout" });
      forget();
      return { ok: true };
    },
    async isEnded() {
      const token = access?.token;
      if (token === undefined) return false;
      const answer = await http.request({ method: "GET", path: "/me", token });
      return !answer.ok && answer.code === "TOKEN_INVALID" && access?.token === token;
    },
    drop: forget,
    renamed(next) {
      user = next;
      changed();
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}
