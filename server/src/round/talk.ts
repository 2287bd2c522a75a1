/**
 * What passes between a round and its clients besides the state: messages in, one answer each (R9), `you`, what everybody is
 * told. Owns: which socket gets what, and that one which is thrown out is not listened to. Does not own: what is answered
 * (commands.ts), who may sit here (door.ts).
 */
import { SOCKET_CLOSE } from "@meme-rounds/shared-schema/close-codes";
import type { ClientMessageKind, ServerMessages } from "@meme-rounds/shared-schema/messages";
import type { ServerVersion } from "@meme-rounds/shared-schema/protocol";
import type { Client } from "../infra/colyseus.ts";
import type { Logger } from "../infra/logger.ts";
import { inSlices } from "../infra/slices.ts";
import type { Answer, RoundActor } from "./actor.ts";
import type { CommandEdge } from "./commands.ts";
import type { Seated } from "./door.ts";
import type { Tap } from "./tap.ts";

export type RoundClient = Client<{ auth: Seated; userData: { ready: boolean; kicked?: true } }>;

/** Messages that get an answer; `watch` gets none. */
export const ANSWERED = [
  "deposit",
  "enter",
  "boost",
  "chat",
  "report",
] as const satisfies ClientMessageKind[];

/** Players that are told something of their own in one go: some 5 ms. */
const TOLD_AT_ONCE = 250;

export interface TalkDeps {
  actor: Pick<RoundActor, "rejected">;
  edge: Pick<CommandEdge, "handle" | "you">;
  tap: Pick<Tap, "message">;
  version: ServerVersion;
  logger: Logger;
  /** Everybody who is here. */
  clients(): Iterable<RoundClient>;
  /** One encoding for all of them. */
  broadcast(kind: string, body: unknown): void;
}

export class Talk {
  private readonly deps: TalkDeps;

  constructor(deps: TalkDeps) {
    this.deps = deps;
  }

  /** A message off the wire: answered whatever is in it. Does not reject. */
  async on(kind: (typeof ANSWERED)[number], client: RoundClient, raw: unknown): Promise<void> {
    const { actor, edge } = this.deps;
    if (client.userData?.kicked) return;
    if (!client.auth || !client.userData?.ready) {
      this.answer(client, actor.rejected("", "NOT_READY"));
      return;
    }
    let kicked = false;
    const answer = await edge.handle(kind, raw, client.auth, {
      later: (later) => this.answer(client, later),
      kick: () => {
        kicked = true;
      },
    });
    this.answer(client, answer);
    if (kicked) kick(client);
  }

  /** A kind of message that there is not. */
  onUnknown(client: RoundClient): void {
    this.answer(client, this.deps.actor.rejected("", "MESSAGE_UNKNOWN"));
  }

  /** Tells a player what it needs to sign, as it is durable. Rejects with UNAVAILABLE when the round is lost here. */
  async you(client: RoundClient): Promise<void> {
    const { edge, version } = this.deps;
    if (client.auth) sendTo(client, "you", { ...(await edge.you(client.auth)), server: version });
  }

  /** The same for one that is here already: lost with the round, it is told where it goes. Does not reject. */
  async youAgain(client: RoundClient): Promise<void> {
    try {
      await this.you(client);
    } catch (err) {
      this.deps.logger.debug({ err }, "a player was not told where it stands");
    }
  }

  /** Tells everybody the same, spectators too. */
  tell<K extends keyof ServerMessages>(kind: K, body: ServerMessages[K]): void {
    this.deps.broadcast(kind, body);
    this.deps.tap.message(kind, body);
  }

  /** Tells each player something else; spectators what somebody without a play key ("") gets. */
  tellEach<K extends keyof ServerMessages>(kind: K, bodyOf: (playKey: string) => ServerMessages[K]): void {
    const { tap, logger, clients } = this.deps;
    tap.message(kind, bodyOf(""));
    inSlices([...clients()], TOLD_AT_ONCE, (client) =>
      sendTo(client, kind, bodyOf(client.auth?.playKey ?? "")),
    ).catch((err: unknown) => logger.error({ err, kind }, "not everybody was told"));
  }

  private answer(client: RoundClient, answer: Answer): void {
    const { ok, ...body } = answer;
    if (ok) {
      sendTo(client, "accepted", body as ServerMessages["accepted"]);
      return;
    }
    sendTo(client, "rejected", body as ServerMessages["rejected"]);
    void this.youAgain(client);
  }
}

/** One message to one client. */
export function sendTo<K extends keyof ServerMessages>(
  client: RoundClient,
  kind: K,
  body: ServerMessages[K],
): void {
  client.send(kind as never, body as never);
}

/** I5: what is still on the way from this socket is not read any more. */
function kick(client: RoundClient): void {
  client.userData = { ready: false, kicked: true };
  client.leave(SOCKET_CLOSE.kicked, "RATE_LIMITED");
}
