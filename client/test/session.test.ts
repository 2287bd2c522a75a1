/** Being signed in: refresh tokens are used once, in turn over all tabs, and a lost session comes back by itself. */
import assert from "node:assert/strict";
import { ed25519PublicKey, signEd25519 } from "@meme-rounds/shared-schema/crypto";
import { acceptedBytes } from "@meme-rounds/shared-schema/receipt";
import type { User } from "@meme-rounds/shared-schema/rest";
import { failure } from "../src/app/model.ts";
import type { Answered, Call, Http } from "../src/net/http.ts";
import { createReceipts } from "../src/net/receipts.ts";
import { type Claimant, createSession } from "../src/net/session.ts";
import { Refusal } from "../src/wallet/refusal.ts";
import { createTestTime, memoryStorage } from "./support.ts";

const user = { name: "Ann" } as User;

function stage() {
  const time = createTestTime();
  const storage = memoryStorage();
  const server = {
    refresh: "",
    issued: 0,
    refreshes: 0,
    ended: false,
    down: false,
    /** Refuses nothing and answers nothing: what it did is lost on the way. */
    silent: false,
    /** Names of tries to refresh, in order. */
    attempts: [] as string[],
    loggedOut: [] as string[],
    accepts: new Set<string>(),
  };
  const issue = () => {
    server.refresh = `refresh-${++server.issued}`;
    server.accepts = new Set([`access-${server.issued}`]);
    return { accessToken: `access-${server.issued}`, refreshToken: server.refresh, user };
  };
  const answer = async (call: Call): Promise<Answered<unknown>> => {
    if (server.down) return failure("OFFLINE", "");
    if (call.path === "/auth/challenge")
      return { ok: true, data: { nonce: "n", message: "m", expiresAt: 0 } };
    if (call.path === "/auth/verify") return { ok: true, data: issue() };
    if (call.path === "/auth/refresh") {
      server.refreshes++;
      const { refreshToken, attempt } = call.body as { refreshToken: string; attempt: string };
      server.attempts.push(attempt);
      if (server.silent) return failure("OFFLINE", "");
      if (server.ended || refreshToken !== server.refresh) return failure("REFRESH_INVALID", "");
      return { ok: true, data: issue() };
    }
    if (call.path === "/auth/logout") server.loggedOut.push(call.token ?? "");
    return server.accepts.has(call.token ?? "") ? { ok: true, data: {} } : failure("TOKEN_INVALID", "");
  };
  const http: Http = { request: async <T>(call: Call) => (await answer(call)) as Answered<T> };
  let last: Promise<unknown> = Promise.resolve();
  const lock = <T>(_name: string, work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const claimant: Claimant = {
    wallet: "manual",
    address: "a",
    playKey: "p",
    prove: async () => ({ signature: "s", playSig: "q" }),
  };
  let attempts = 0;
  const newAttempt = (): string => `attempt-${++attempts}-of-this-browser`;
  const tab = () =>
    createSession({ http, storage, lock, now: time.now, claimant: async () => claimant, newAttempt });
  const ends: string[] = [];
  /** A tab of somebody whose wallet has to be asked. */
  const askingTab = () =>
    createSession({
      http,
      storage,
      lock,
      now: time.now,
      claimant: async () => undefined,
      newAttempt,
      ended: () => ends.push("ended"),
    });
  return { time, storage, server, claimant, tab, askingTab, ends };
}

describe("session", () => {
  it("I2 uses the access token until shortly before its 15 minutes are over", async () => {
    const { tab, claimant, time, server } = stage();
    const session = tab();
    await session.signIn(claimant);
    assert.equal(await session.token(), "access-1");
    await time.pass(11 * 60_000);
    assert.equal(await session.token(), "access-1");
    await time.pass(2 * 60_000);
    assert.equal(await session.token(), "access-2");
    assert.equal(server.refreshes, 1);
  });

  it("I2 two tabs never show the same refresh token twice", async () => {
    const { tab, claimant, storage, server } = stage();
    await tab().signIn(claimant);
    const tokens = await Promise.all([tab().token(), tab().token()]);
    assert.deepEqual(tokens, ["access-2", "access-3"]);
    assert.equal(storage.getItem("mr:refresh"), server.refresh);
  });

  it("I2 after a lost answer the same token goes out under the same name, also after a reload", async () => {
    const { tab, claimant, server, storage } = stage();
    await tab().signIn(claimant);
    server.silent = true;
    assert.equal(await tab().token(), undefined);
    assert.equal(await tab().token(), undefined);
    server.silent = false;
    assert.equal(await tab().token(), "access-2");
    assert.deepEqual(new Set(server.attempts), new Set(["attempt-1-of-this-browser"]));
    assert.equal(server.attempts.length, 3);
    assert.equal(storage.getItem("mr:refresh-attempt"), null);
  });

  it("I2 says that its session was ended only when the server says so of the token it holds", async () => {
    const { tab, claimant, server } = stage();
    const session = tab();
    assert.equal(await session.isEnded(), false, "nobody is signed in");
    await session.signIn(claimant);
    assert.equal(await session.isEnded(), false);
    server.accepts.clear();
    assert.equal(await session.isEnded(), true);
    session.drop();
    assert.equal(session.isRemembered(), false);
  });

  it("signs in anew when the session is gone", async () => {
    const { tab, claimant, server } = stage();
    await tab().signIn(claimant);
    server.refresh = "one that never arrived here";
    const again = tab();
    assert.equal(await again.token(), "access-2");
    assert.equal(again.isRemembered(), true);
  });

  it("I2 where a person has to be asked, an ended session is told of once and nothing is signed", async () => {
    const { askingTab, claimant, server, ends, storage } = stage();
    const session = askingTab();
    await session.signIn(claimant);
    server.ended = true;
    server.accepts.clear();
    assert.equal((await session.call({ method: "GET", path: "/me" })).ok, false);
    assert.deepEqual(ends, ["ended"]);
    assert.equal(storage.getItem("mr:refresh"), null);
    await session.token();
    assert.deepEqual(ends, ["ended"]);
  });

  it("I2 a wallet that is declined leaves the session as it was, and no other tab waits for it", async () => {
    const { tab, claimant, server } = stage();
    const session = tab();
    await session.signIn(claimant);
    let decline = (): void => undefined;
    const asked = session.signIn({
      ...claimant,
      prove: () =>
        new Promise((_, reject) => {
          decline = () => reject(new Refusal("SIGNER_REJECTED", "No."));
        }),
    });
    // The window is open: another tab renews its token meanwhile.
    assert.equal(await tab().token(), "access-2");
    decline();
    assert.deepEqual(await asked, failure("SIGNER_REJECTED", "No."));
    assert.equal(await session.token(), "access-1");
    assert.deepEqual(server.loggedOut, []);
  });

  it("I2 signing in as somebody else ends the session that was here", async () => {
    const { tab, claimant, server } = stage();
    const session = tab();
    await session.signIn(claimant);
    await session.signIn({ ...claimant, address: "b" });
    assert.deepEqual(server.loggedOut, ["access-1"]);
    assert.equal(await session.token(), "access-2");
  });

  it("stays remembered while the server is out of reach", async () => {
    const { tab, claimant, server } = stage();
    await tab().signIn(claimant);
    server.down = true;
    const session = tab();
    assert.equal(await session.token(), undefined);
    assert.equal(session.isRemembered(), true);
    server.down = false;
    assert.equal(await session.token(), "access-2");
  });

  it("renews a refused access token once", async () => {
    const { tab, claimant, server } = stage();
    const session = tab();
    await session.signIn(claimant);
    server.accepts.clear();
    assert.equal((await session.call({ method: "GET", path: "/me" })).ok, true);
    assert.equal(server.refreshes, 1);
  });

  it("forgets everything when signing out", async () => {
    const { tab, claimant, storage } = stage();
    const session = tab();
    await session.signIn(claimant);
    await session.signOut();
    assert.equal(storage.getItem("mr:refresh"), null);
    assert.equal(await session.token(), undefined);
  });
});

describe("receipts", () => {
  const seed = new Uint8Array(32).fill(3);
  const round = { roundId: "main-1", roundTag: "ab".repeat(16), receiptKey: ed25519PublicKey(seed) };
  const receiptOf = (seq: number) => {
    const hash = "cd".repeat(32);
    const sig = signEd25519(acceptedBytes(round.roundTag, seq, 5, hash), seed);
    return { ref: `ref-${seq}`, seq, at: 5, hash, sig };
  };

  it("R9 keeps good ones and refuses one that says something else", () => {
    const receipts = createReceipts({ storage: memoryStorage() });
    assert.equal(receipts.take(round, receiptOf(1)), true);
    assert.equal(receipts.take(round, { ...receiptOf(2), seq: 3 }), false);
    assert.deepEqual(receipts.of("main-1"), [receiptOf(1)]);
  });

  it("keeps the last ten rounds", () => {
    const receipts = createReceipts({ storage: memoryStorage() });
    for (let n = 1; n <= 12; n++) receipts.take({ ...round, roundId: `main-${n}` }, receiptOf(n));
    assert.equal(receipts.of("main-2").length, 0);
    assert.equal(receipts.of("main-3").length, 1);
    assert.equal(receipts.of("main-12").length, 1);
  });
});
