/**
 * A room's patch on its way to its players' sockets. Owns: framing it once, and handing it out in slices, so that
 * messages and timers get their turn between them. Does not own: encoding, when a patch is due, who is too slow.
 */
import { type Client, ClientState } from "@colyseus/core";
import type { Schema } from "@colyseus/schema";
import { writeNow } from "../infra/direct-write.ts";
import { streamUnder, webSocketFrame } from "../infra/ws-frame.ts";
import { TapSerializer } from "./serializer.ts";

/**
 * Sockets written to in one go: some 16 ms. What comes between two slices, in a rush of players, takes as long again, and
 * the patch is under way meanwhile.
 */
const SLICE = 2_000;

type Receiver = Pick<Client, "state" | "raw" | "ref">;

export interface FanOutDeps {
  /** Calls once the work in hand is done. */
  soon(run: () => void): void;
  /** The last socket has its bytes, `stretchMs` being the longest time that was written without a pause. */
  done(stretchMs: number): void;
  /** ms of a clock that never goes back. */
  clock(): number;
}

interface Job {
  bytes: Uint8Array;
  frame: Buffer;
  receivers: readonly Receiver[];
  next: number;
  stretchMs: number;
}

export class FanOut {
  private readonly deps: FanOutDeps;
  private readonly jobs: Job[] = [];

  constructor(deps: FanOutDeps) {
    this.deps = deps;
  }

  /** Hands `bytes` to those who have their state now; who comes later has it in their state. Not to be changed any more. */
  send(clients: readonly Receiver[], bytes: Uint8Array): void {
    const receivers = clients.filter(({ state }) => state === ClientState.JOINED);
    this.jobs.push({ bytes, frame: webSocketFrame(bytes), receivers, next: 0, stretchMs: 0 });
    // Behind one that is still on its way: everybody gets them in order.
    if (this.jobs.length === 1) this.slice();
  }

  private slice(): void {
    const [job] = this.jobs;
    if (job === undefined) return;
    const from = this.deps.clock();
    const end = Math.min(job.next + SLICE, job.receivers.length);
    for (; job.next < end; job.next++) {
      const receiver = job.receivers[job.next];
      // One that has come back since has another socket under it, and its state with all of this.
      if (receiver?.state === ClientState.JOINED) deliver(receiver, job);
    }
    job.stretchMs = Math.max(job.stretchMs, this.deps.clock() - from);
    if (job.next === job.receivers.length) {
      this.jobs.shift();
      this.deps.done(job.stretchMs);
    }
    if (this.jobs.length > 0) this.deps.soon(() => this.slice());
  }
}

function deliver(receiver: Receiver, { frame, bytes }: Job): void {
  const stream = streamUnder(receiver.ref);
  if (stream) writeNow(stream, frame);
  else receiver.raw(bytes);
}

/** Gives each patch to the tap alone: whoever listens there hands it out. */
export class PatchSerializer<T extends Schema> extends TapSerializer<T> {
  override applyPatches(...[, state, timing]: Parameters<TapSerializer<T>["applyPatches"]>): boolean {
    return super.applyPatches([], state, timing);
  }
}
