/**
 * The live round on this page: what arrives becomes what is shown, and commands reach the room.
 * Owns: the current snapshot, state, chat and player; sending stored deposits again after a break.
 * Does not own: joining (round-connection.ts), keys and coins (play-wallet.ts), sign-in.
 */
import { isErrorCode, isTerminal } from "@meme-rounds/shared-schema/errors";
import type { ChatMessage } from "@meme-rounds/shared-schema/messages";
import type { ServerVersion } from "@meme-rounds/shared-schema/protocol";
import type { Snapshot } from "@meme-rounds/shared-schema/rest";
import type { Api } from "../net/api.ts";
import { type Commands, createCommands } from "../net/commands.ts";
import type { Heads } from "../net/heads.ts";
import { createPlayer, type Player } from "../net/player.ts";
import type { Receipts } from "../net/receipts.ts";
import type { LiveRoom, RoomMessage, Rooms } from "../net/rooms.ts";
import { type Connected, createRoundConnection, type Role } from "../net/round-connection.ts";
import type { KeptDeposit } from "../wallet/book.ts";
import type { PlayWallet } from "../wallet/play-wallet.ts";
import type { ServerClock } from "./clock.ts";
import { failure, type NoticeVm, type Outcome } from "./model.ts";
import { figuresOf, type RoundStateLike, roundVm } from "./round-view.ts";
import { type Store, show } from "./store.ts";

export interface LiveDeps {
  api: Pick<Api, "current" | "seat">;
  rooms: Rooms;
  store: Store;
  clock: ServerClock;
  receipts: Receipts;
  heads: Heads;
  wallet: Pick<PlayWallet, "key" | "pending" | "settled">;
  wantsToPlay: () => boolean;
  /** The room did not let the player in, and says why. */
  refused: (reason: string) => void;
  token: () => Promise<string | undefined>;
  after: (ms: number, work: () => void) => () => void;
  frame: (work: () => void) => void;
  random: () => number;
  newRef: () => string;
  notice: (kind: NoticeVm["kind"], text: string, id?: string) => void;
  /** What the server says of its version. */
  heardServer: (server: ServerVersion | undefined) => void;
  /** The room says that the session has ended; it may be one that was signed out of here. */
  signedOut: () => void;
  /** Another round has begun; `seen` is the one that was live here until now. */
  onRound: (snapshot: Snapshot, seen: string | undefined) => void;
}

export interface Live {
  start(): void;
  stop(): void;
  /** Looks at the round and the player's place in it again: signed in or out, awake again. */
  refresh(): void;
  /** Somebody else is, or nobody is, playing from now on. */
  playerChanged(): void;
  snapshot(): Snapshot | undefined;
  /** Entry price in force, sat. */
  entryPrice(): number;
  /** The player in the current round, waiting some seconds for the room; undefined when it does not come. */
  player(): Promise<Player | undefined>;
  /** Sends it until the round has answered; a stored one of an earlier try is sent as it is. */
  deposit(deposit: KeptDeposit): Promise<Outcome>;
  /** True while an answer about it is waited for. */
  isSending(txid: string): boolean;
  /** A command waits for its answer. */
  isBusy(): boolean;
}

const MAX_CHAT = 100;
const PLAYER_MS = 12_000;

export function createLive(deps: LiveDeps): Live {
  const { store, clock, wallet } = deps;
  let snapshot: Snapshot | undefined;
  let state: RoundStateLike | undefined;
  let chat: ChatMessage[] = [];
  let connected: Connected = "offline";
  let role: Role = "spectator";
  let room: LiveRoom | undefined;
  let current: { player: Player; commands: Commands; playKey: string } | undefined;
  let waiters: ((player: Player | undefined) => void)[] = [];
  let drawing = false;
  /** The room that has introduced itself, and the round of one that did before it was handed over. */
  let readyRoom: LiveRoom | undefined;
  let early = "";
  const sending = new Set<string>();

  const draw = (): void => {
    if (drawing) return;
    drawing = true;
    deps.frame(() => {
      drawing = false;
      if (snapshot === undefined) return;
      const playKey = wallet.key()?.playKey ?? "";
      const you = current?.player.you();
      const input = { snapshot, state, you, playKey, chat, connected, role };
      store.dispatch(show.round(roundVm(input, store.getState().round.view)));
      store.dispatch(show.me(figuresOf(you, snapshot.seatFee)));
    });
  };

  const dropPlayer = (): void => {
    current?.commands.abandon();
    current = undefined;
  };

  /** The player of this round and key; made anew when either is another. */
  const ensurePlayer = (): void => {
    const key = wallet.key();
    if (snapshot === undefined || key === undefined) return;
    const round = snapshot;
    if (current?.player.roundId === round.roundId && current.playKey === key.playKey) return;
    dropPlayer();
    const commands = createCommands({ newRef: deps.newRef, after: deps.after });
    const player = createPlayer(
      {
        roundId: round.roundId,
        roundTag: round.roundTag,
        playKey: key.playKey,
        get secret() {
          return key.secret;
        },
      },
      {
        commands,
        after: deps.after,
        changed: draw,
        receipt(accepted) {
          if (deps.receipts.take(round, accepted)) return;
          deps.notice(
            "error",
            "The server's receipt for your command is not valid. Keep an eye on this round.",
          );
        },
      },
    );
    current = { player, commands, playKey: key.playKey };
  };

  const sendDeposit = async (deposit: KeptDeposit): Promise<Outcome> => {
    const player = current?.player;
    if (player === undefined || player.roundId !== deposit.roundId)
      return failure("DEPOSITS_CLOSED", "This deposit's round is over.");
    sending.add(deposit.txid);
    try {
      const outcome = await player.deposit(deposit);
      if (outcome.ok) wallet.settled(deposit.txid, "accepted");
      else if (isErrorCode(outcome.code) && isTerminal(outcome.code)) wallet.settled(deposit.txid, "refused");
      return outcome;
    } finally {
      sending.delete(deposit.txid);
    }
  };

  /** After a reload or a lost answer: what the round does not count yet goes out again, byte for byte. */
  const resendDeposits = (player: Player): void => {
    const counted = new Set(player.you()?.deposits.map(({ txid }) => txid));
    for (const deposit of wallet.pending(player.roundId)) {
      if (counted.has(deposit.txid)) wallet.settled(deposit.txid, "accepted");
      else if (!sending.has(deposit.txid))
        void sendDeposit(deposit).then((outcome) => {
          if (outcome.ok) deps.notice("success", `Your deposit of ${deposit.sats} sat is in the round.`);
          else deps.notice("warning", `Your deposit of ${deposit.sats} sat: ${outcome.message}`);
        });
    }
  };

  let warned = "";
  const hearHead = (round: Snapshot, { journalHead: head }: RoundStateLike): void => {
    if (head === undefined || head.seq === 0 || deps.heads.take(round, head) || warned === round.roundId)
      return;
    warned = round.roundId; // once is enough
    deps.notice("error", "The auditor's word on this round is not valid. Keep an eye on this round.");
  };

  const hear = (message: RoomMessage, roundId: string): void => {
    const mine = current?.player.roundId === roundId ? current : undefined;
    switch (message.kind) {
      case "you": {
        deps.heardServer(message.body.server);
        if (mine === undefined || message.body.playKey !== mine.playKey) return;
        mine.player.heardYou(message.body);
        return;
      }
      case "accepted":
        mine?.commands.accepted(message.body);
        return;
      case "rejected":
        mine?.commands.rejected(message.body);
        return;
      case "chat": {
        if (roundId !== snapshot?.roundId) return;
        const line = message.body;
        chat = [...chat.filter(({ seq }) => seq !== line.seq), line]
          .sort((a, b) => a.seq - b.seq)
          .slice(-MAX_CHAT);
        draw();
        return;
      }
      case "notice":
        if (message.body.kind === "drain") {
          const { text, until } = message.body;
          store.dispatch(show.drain({ text, until }));
        } else deps.notice("info", message.body.text);
        return;
      case "settled":
      case "model":
        return; // Of a round that is over: read from its own page (finished.ts).
    }
  };

  const connection = createRoundConnection({
    api: deps.api,
    rooms: deps.rooms,
    wantsToPlay: deps.wantsToPlay,
    refused: deps.refused,
    token: deps.token,
    serverNow: clock.now,
    after: deps.after,
    random: deps.random,
    events: {
      signedOut: deps.signedOut,
      snapshot(next) {
        clock.heard(next.serverTime);
        deps.heardServer(next.server);
        const seen = snapshot?.roundId;
        const isNew = seen !== next.roundId;
        snapshot = next;
        if (isNew) {
          state = undefined;
          chat = [];
          dropPlayer();
          store.dispatch(show.drain(undefined));
          deps.onRound(next, seen);
        }
        if (deps.wantsToPlay()) ensurePlayer();
        draw();
      },
      status(next, as) {
        connected = next;
        role = as;
        draw();
      },
      room(next, roundId, as) {
        room = next;
        if (next === undefined || as === "spectator") {
          current?.commands.offline();
          return;
        }
        ensurePlayer();
        if (early === roundId) ready();
      },
      state(next, roundId) {
        clock.heard(next.serverTime);
        if (roundId !== snapshot?.roundId) return;
        state = next;
        hearHead(snapshot, next);
        draw();
      },
      message(message, roundId) {
        if (message.kind === "you") ensurePlayer();
        hear(message, roundId);
        if (message.kind !== "you" || current?.player.roundId !== roundId) return;
        if (room === undefined) early = roundId;
        else if (readyRoom !== room) ready();
      },
    },
  });

  /** The room knows the player: commands may go out (R9, NOT_READY before). */
  const ready = (): void => {
    const live = room;
    if (live === undefined || current === undefined) return;
    readyRoom = live;
    early = "";
    current.commands.online((kind, body) => live.send(kind, body));
    for (const tell of waiters.splice(0)) tell(current.player);
    resendDeposits(current.player);
  };

  return {
    start: connection.start,
    stop() {
      connection.stop();
      dropPlayer();
      room = undefined;
    },
    refresh() {
      connection.refresh();
      draw();
    },
    playerChanged() {
      dropPlayer();
      connection.rejoin();
      draw();
    },
    snapshot: () => snapshot,
    entryPrice: () => state?.entryPrice ?? snapshot?.entryPrice ?? 0,
    player() {
      ensurePlayer();
      if (current?.player.you() !== undefined) return Promise.resolve(current.player);
      return new Promise((resolve) => {
        const cancel = deps.after(PLAYER_MS, () => {
          waiters = waiters.filter((one) => one !== tell);
          resolve(undefined);
        });
        const tell = (player: Player | undefined): void => {
          cancel();
          resolve(player);
        };
        waiters.push(tell);
      });
    },
    deposit: sendDeposit,
    isSending: (txid) => sending.has(txid),
    isBusy: () => sending.size > 0 || (current?.commands.open() ?? 0) > 0,
  };
}
