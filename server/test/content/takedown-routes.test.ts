/** I4, R12: who may take memes down over REST, and what is refused before anything happens. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { problemSchema } from "@meme-rounds/shared-schema/rest";
import { moderateAnswer } from "@meme-rounds/shared-schema/rest-content";
import express from "express";
import { takedownRoutes } from "../../src/content/takedown/routes.ts";
import type { ModerationOrder } from "../../src/content/takedown/takedown.ts";
import { apiRouter, type Caller } from "../../src/infra/http.ts";
import { quiet } from "./media-kit.ts";

const MEME = "ab".repeat(32);
const isRole = (text: string): text is Caller["role"] => ["player", "moderator", "admin"].includes(text);

describe("takedown over REST", () => {
  const asked: ModerationOrder[] = [];
  const http = createServer();
  let url: string;
  before(async () => {
    const routes = takedownRoutes({
      async carryOut(order) {
        asked.push(order);
        if (order.kind === "hide") throw new CodedError("MEME_TAKEN_DOWN");
        return {
          memeId: order.memeId,
          standing: "taken",
          purge: [`/media/${order.memeId}`],
          rounds: ["main-1"],
        };
      },
    });
    const authenticate = async (role: string): Promise<Caller> => {
      if (!isRole(role)) throw new CodedError("TOKEN_INVALID");
      return { identity: `id of ${role}`, playKey: "", role, sessionId: "" };
    };
    const limiter = { take: async () => undefined };
    http.on("request", express().use("/api", apiRouter(routes, { authenticate, limiter, logger: quiet })));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/api/admin/memes`;
  });
  after(() => {
    http.closeAllConnections();
    http.close();
  });
  beforeEach(() => {
    asked.length = 0;
  });

  const post = (path: string, role?: string, body: unknown = { reason: " gore " }) =>
    fetch(`${url}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(role ? { authorization: `Bearer ${role}` } : {}) },
      body: JSON.stringify(body),
    });
  const codeOf = async (response: Response) => problemSchema.parse(await response.json()).code;

  for (const role of ["moderator", "admin"] as const)
    it(`I4 R12 a ${role} may; the order carries who and why`, async () => {
      const response = await post(`${MEME}/takedown`, role);
      assert.equal(response.status, 200);
      assert.equal(moderateAnswer.parse(await response.json()).standing, "taken");
      assert.deepEqual(asked, [{ kind: "takedown", memeId: MEME, by: `id of ${role}`, reason: "gore" }]);
      await post(`${MEME}/unhide`, role);
      assert.equal(asked[1]?.kind, "unhide");
    });

  it("I4 nobody else may", async () => {
    for (const kind of ["takedown", "hide", "unhide"]) {
      assert.equal(await codeOf(await post(`${MEME}/${kind}`)), "AUTH_REQUIRED");
      assert.equal(await codeOf(await post(`${MEME}/${kind}`, "player")), "ROLE_REQUIRED");
    }
    assert.deepEqual(asked, []);
  });

  it("R12 without a reason, with a long one, or for what is no meme: refused", async () => {
    for (const body of [{}, { reason: "  " }, { reason: "x".repeat(301) }, { reason: "x", all: true }])
      assert.equal(await codeOf(await post(`${MEME}/takedown`, "admin", body)), "BAD_REQUEST");
    assert.equal(await codeOf(await post("frog/takedown", "admin")), "BAD_REQUEST");
    assert.deepEqual(asked, []);
  });

  it("R12 what was taken down already answers 409", async () => {
    const response = await post(`${MEME}/hide`, "admin");
    assert.equal(response.status, 409);
    assert.equal(await codeOf(response), "MEME_TAKEN_DOWN");
  });
});
