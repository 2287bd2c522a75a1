/**
 * A player of the simulation: says one line after the other, each until it is answered, wherever the round is.
 * Owns: what it was promised. Does not own: processes, judging.
 */
import type { Answer } from "../../../src/round/actor.ts";
import { ARENA, type Host, type Room } from "./host.ts";
import type { Server } from "./network.ts";
import type { World } from "./world.ts";

const RETRY_MS = 300;
const QUIET_MS = 2_500;
const PAUSE_MS = [50, 900] as const;
const WAY_MS = [1, 5] as const;

export interface Promised {
  roundId: string;
  text: string;
  seq: number;
  hash: string;
  at: number;
}

export class Player {
  readonly promised: Promised[] = [];
  private readonly name: string;
  private readonly world: World;
  private readonly server: Server;
  private readonly hosts: () => readonly Host[];
  private readonly playKey: string;
  private lines = 0;

  constructor(name: string, world: World, server: Server, hosts: () => readonly Host[]) {
    this.name = name;
    this.playKey = `02${Buffer.from(name).toString("hex")}`.padEnd(66, "0");
    this.world = world;
    this.server = server;
    this.hosts = hosts;
  }

  start(): void {
    this.next();
  }

  private next(): void {
    const { random } = this.world;
    this.lines += 1;
    this.world.at(this.world.now + random.int(...PAUSE_MS), () =>
      this.say(`${this.name}-${this.lines}`, undefined),
    );
  }

  private later(work: () => void): void {
    this.world.at(this.world.now + RETRY_MS, work);
  }

  /** Where the directory says that the round is, when that room can be reached. */
  private find(): { host: Host; room: Room } | undefined {
    const text = this.server.isUp ? this.server.model.get(this.world.now, `mr:live:${ARENA}`) : undefined;
    if (text === undefined) return undefined;
    const { roomId } = JSON.parse(text) as { roomId: string };
    for (const host of this.hosts()) {
      const room = host.rooms.get(roomId);
      if (room && !room.isOver && host.process.isAlive) return { host, room };
    }
    return undefined;
  }

  /** `roundId`: the round that this line was said in first; in another it would be another line. */
  private say(text: string, roundId: string | undefined): void {
    const found = this.find();
    if (found === undefined) {
      this.later(() => this.say(text, roundId));
      return;
    }
    const { host, room } = found;
    if (roundId !== undefined && room.roundId !== roundId) {
      this.next();
      return;
    }
    const { world } = this;
    let isOpen = true;
    const again = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.later(() => this.say(text, room.roundId));
    };
    const heard = (answer: Answer): void => {
      if (!isOpen) return;
      if (!answer.ok && answer.code === "UNAVAILABLE") {
        again();
        return;
      }
      isOpen = false;
      if (answer.ok) {
        const { seq, hash } = answer;
        this.promised.push({ roundId: room.roundId, text, seq, hash, at: world.now });
      } else if (answer.code !== "PHASE_WRONG") world.violated(`${text} was refused: ${answer.code}`);
      if (answer.ok) this.next();
      else this.later(() => this.next());
    };
    host.process.after(world.random.int(...WAY_MS), () => {
      if (room.isOver) return;
      const command = {
        kind: "chat" as const,
        playKey: this.playKey,
        identity: `ecdsa-secp256k1:${this.playKey}`,
        text,
        sig: "",
        salt: "ab".repeat(16),
      };
      const from = { playKey: this.playKey, ref: text, payload: text };
      void room.actor.submit(command, from).then((answer) => {
        // The answer travels only if the process still runs.
        host.process.after(world.random.int(...WAY_MS), () => heard(answer));
      });
    });
    this.watch(host, room, again, () => isOpen);
  }

  /** A dead process' socket breaks, a lost room closes it; a stalled one is given up once the round is elsewhere. */
  private watch(host: Host, room: Room, again: () => void, isOpen: () => boolean): void {
    const since = this.world.now;
    const hasMoved = (): boolean => {
      if (!host.process.isAlive || room.isOver) return true;
      const found = this.world.now - since > QUIET_MS ? this.find() : undefined;
      return found !== undefined && found.room !== room;
    };
    const look = (): void => {
      if (!isOpen()) return;
      if (hasMoved()) again();
      else this.world.at(this.world.now + RETRY_MS, look);
    };
    this.world.at(this.world.now + RETRY_MS, look);
  }
}
