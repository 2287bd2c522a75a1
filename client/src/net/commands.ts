/**
 * Commands of one player in one round and their answers (R9). Owns: refs, matching answers to them, sending again
 * after a break. Does not own: sockets, what a command says, vouchers (player.ts).
 */
import type {
  Accepted,
  ClientMessage,
  ClientMessageKind,
  Rejected,
} from "@meme-rounds/shared-schema/messages";
import { type Failure, failure } from "../app/model.ts";

export type CommandKind = Exclude<ClientMessageKind, "watch">;
export type CommandBody<K extends CommandKind> = Omit<ClientMessage<K>, "ref">;
export type CommandAnswer = { ok: true; accepted: Accepted } | Failure;
export type Send = (kind: CommandKind, body: Record<string, unknown>) => void;

export interface CommandDeps {
  /** Makes a UUID. */
  newRef: () => string;
  /** Calls back after ms; returns what cancels it. */
  after: (ms: number, work: () => void) => () => void;
}

export interface Commands {
  /** Resolves with the answer. Never rejects. Sent at once when online, else when `online` is called. */
  run<K extends CommandKind>(kind: K, body: CommandBody<K>): Promise<CommandAnswer>;
  accepted(answer: Accepted): void;
  rejected(answer: Rejected): void;
  /** The room is ready for commands: what is unanswered goes out again, under the same refs. */
  online(send: Send): void;
  offline(): void;
  /** How many wait for their answer. */
  open(): number;
  /** The round is over for this player: what is unanswered stays unknown. */
  abandon(): void;
}

interface Waiting {
  kind: CommandKind;
  message: Record<string, unknown>;
  sends: number;
  /** The network is slow with this deposit; an answer follows. */
  pending: boolean;
  /** The room could not do it: so it is, unless another room takes over. */
  refusal: Failure | undefined;
  cancel: () => void;
  resolve: (answer: CommandAnswer) => void;
}

/** An answer is waited for so long before the command goes out once more, ms. */
export const ANSWER_MS = 10_000;
/** The server waits up to 120 s for the network to see a deposit, ms. */
export const PENDING_MS = 130_000;
const MAX_SENDS = 2;
/** A room that has lost its round is gone within this time; one that is still there meant what it said, ms. */
export const REFUSED_MS = 2_000;
const UNKNOWN = "No answer came. It may have arrived: check before you try again.";

export function createCommands(deps: CommandDeps): Commands {
  const waiting = new Map<string, Waiting>();
  let send: Send | undefined;

  const settle = (ref: string, answer: CommandAnswer): void => {
    const one = waiting.get(ref);
    if (one === undefined) return;
    waiting.delete(ref);
    one.cancel();
    one.resolve(answer);
  };

  const watch = (ref: string, one: Waiting): void => {
    one.cancel();
    const patience = one.pending ? PENDING_MS : one.refusal !== undefined ? REFUSED_MS : ANSWER_MS;
    one.cancel = deps.after(patience, () => {
      if (one.sends < MAX_SENDS && send !== undefined && !one.pending) transmit(ref, one);
      else settle(ref, one.refusal ?? failure("OFFLINE", UNKNOWN));
    });
  };

  const transmit = (ref: string, one: Waiting): void => {
    if (send !== undefined) {
      one.sends++;
      one.refusal = undefined;
      send(one.kind, one.message);
    }
    watch(ref, one);
  };

  return {
    run(kind, body) {
      const ref = deps.newRef();
      return new Promise((resolve) => {
        const one: Waiting = {
          kind,
          message: { ref, ...body },
          sends: 0,
          pending: false,
          refusal: undefined,
          cancel: () => undefined,
          resolve,
        };
        waiting.set(ref, one);
        transmit(ref, one);
      });
    },
    accepted(answer) {
      settle(answer.ref, { ok: true, accepted: answer });
    },
    rejected({ ref, code, message }) {
      const one = waiting.get(ref);
      if (one === undefined) return;
      if (code === "DEPOSIT_PENDING") {
        one.pending = true;
        watch(ref, one);
        return;
      }
      // A process that lost the round does not know: its successor does, by the same ref.
      if (code === "UNAVAILABLE") {
        one.refusal = failure(code, message);
        watch(ref, one);
        return;
      }
      settle(ref, failure(code, message));
    },
    online(next) {
      send = next;
      for (const [ref, one] of [...waiting]) {
        one.pending = false;
        transmit(ref, one);
      }
    },
    offline() {
      send = undefined;
      for (const [ref, one] of waiting) {
        one.refusal = undefined;
        watch(ref, one);
      }
    },
    open: () => waiting.size,
    abandon() {
      send = undefined;
      for (const ref of [...waiting.keys()]) settle(ref, failure("OFFLINE", UNKNOWN));
    },
  };
}
