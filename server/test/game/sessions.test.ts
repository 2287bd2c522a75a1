/** Signing out somewhere takes the place in the room, in every process; no token is in a log or an address (I2). */
import assert from "node:assert/strict";
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import { challengeAnswer, okAnswer, sessionsAnswer, tokensAnswer } from "@meme-rounds/shared-schema/rest";
import { Player } from "../../../loadtest/src/player.ts";
import { answerTo, player as keyPair } from "../auth/support.ts";
import { until } from "../support/wait.ts";
import { type Cluster, startCluster } from "./cluster.ts";

describe("sessions in the whole game", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ roundSeconds: 90 });
  });
  after(() => cluster?.stop());

  /** A signed-in player in the live round; `left` has the close code once the room let go. */
  async function seated(url: string): Promise<{ player: Player; left: number[] }> {
    const player = new Player(url);
    await player.signIn();
    const round = await player.current();
    await player.join(round.roomId);
    const left: number[] = [];
    player.room?.onLeave((code) => void left.push(code));
    return { player, left };
  }

  it("I2: a session that is ended through one process loses its place in a room of another", async () => {
    const other = await cluster.another();
    const { player, left } = await seated(cluster.url);
    const { player: bystander, left: bystanderLeft } = await seated(cluster.url);
    const phone = new Player(other.url, player.secret);
    await phone.signIn();
    const { sessions } = await phone.call(sessionsAnswer, "GET", "/auth/sessions");
    const laptop = sessions.find(({ current }) => !current);
    assert.ok(laptop);
    const start = performance.now();
    await phone.call(okAnswer, "DELETE", `/auth/sessions/${laptop.id}`);
    await until(() => left.length > 0, { what: "the room letting go" });
    assert.deepEqual(left, [SOCKET_CLOSE.signedOut]);
    assert.ok(performance.now() - start < 5_000, "within a second, with patience for a busy machine");
    const round = await player.current();
    await assert.rejects(player.join(round.roomId), /TOKEN_INVALID/);
    const chat = await bystander.chat(round, "still here");
    assert.ok(chat.ok && bystanderLeft.length === 0);
    await bystander.leave();
  });

  it("I2: who refreshes keeps the place without telling the room", async () => {
    const { player, left } = await seated(cluster.url);
    const tokens = await player.signIn();
    const next = await player.call(tokensAnswer, "POST", "/auth/refresh", {
      refreshToken: tokens.refreshToken,
    });
    const round = await player.current();
    assert.ok((await player.chat(round, "hello")).ok);
    assert.notEqual(next.refreshToken, tokens.refreshToken);
    assert.deepEqual(left, []);
    await player.leave();
  });

  it("I2: neither tokens nor signatures are in any process' log, or in a socket's address", async () => {
    const { player } = await seated(cluster.url);
    const { accessToken, refreshToken } = await player.signIn();
    await player.call(tokensAnswer, "POST", "/auth/refresh", { refreshToken });
    await assert.rejects(player.call(tokensAnswer, "POST", "/auth/refresh", { refreshToken }));
    const who = keyPair(1);
    const { address, playKey } = who;
    const asking = { wallet: "manual", address, playKey };
    const asked = await player.call(challengeAnswer, "POST", "/auth/challenge", asking);
    const good = answerTo(who, asked);
    const signed = await player.call(tokensAnswer, "POST", "/auth/verify", good);
    await assert.rejects(player.call(tokensAnswer, "POST", "/auth/verify", good));
    const endpoint = (player.room as unknown as { connection: { url: string } }).connection.url;
    assert.ok(!endpoint.includes(player.token) && !endpoint.includes("Token"), endpoint);
    const logs = Object.values(cluster.processes).map((process) => process.output());
    for (const secret of [
      accessToken,
      refreshToken,
      player.token,
      signed.accessToken,
      signed.refreshToken,
      good.signature,
      good.playSig,
    ])
      for (const log of logs)
        assert.ok(!log.includes(secret) && !log.includes(secret.split(".").at(-1) ?? secret));
    assert.ok(
      logs.some((log) => log.includes("signed in")),
      "the log that is searched has sign-ins in it",
    );
    await player.leave();
  });
});
