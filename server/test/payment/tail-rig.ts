/** A live round, its journal and an auditor that follows it on a clock of its own, without Redis or HTTP. */
import { strict as assert } from "node:assert";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signEd25519 } from "@meme-rounds/shared-schema/crypto";
import type { SignedHead } from "@meme-rounds/shared-schema/receipt";
import { EMPTY_HEAD, type Entry, seal } from "@meme-rounds/shared-schema/records";
import { actor, STUB, TestRound } from "../../../shared-schema/test/support/round.ts";
import type { TxStatus } from "../../src/chain/index.ts";
import { createLogger } from "../../src/infra/logger.ts";
import { Drops } from "../../src/payment/auditor/drops.ts";
import { NotesStore } from "../../src/payment/auditor/notes.ts";
import { Tail } from "../../src/payment/auditor/tail.ts";

export const SEED = new Uint8Array(32).fill(7);
const logger = createLogger("test", "silent");
export const [ann, bob, cat] = [actor("ann"), actor("bob"), actor("cat")];

/** A live round, the store its journal is in, and an auditor that follows it on its own clock. */
export class Rig {
  readonly folder: string;
  readonly round = new TestRound();
  /** What stands in the store; not always what the round wrote. */
  texts: string[] = [];
  live: string[] = [];
  /** ms ahead of the round's clock. */
  drift = 300;
  readonly shown: { head: SignedHead; isNew: boolean; onDisk: string }[] = [];
  standing: TxStatus = { state: "conflict", competing: [] };
  asked = 0;
  reads = 0;
  notes!: NotesStore;
  drops!: Drops;
  tail!: Tail;

  private constructor(folder: string) {
    this.folder = folder;
    this.live = [this.id];
  }

  static async start(): Promise<Rig> {
    const rig = new Rig(await mkdtemp(join(tmpdir(), "meme-rounds-tail-")));
    await rig.restart();
    return rig;
  }

  get id(): string {
    return this.round.state.open.roundId;
  }

  /** The auditor's process dies and another starts, with what is on disk. */
  async restart(): Promise<void> {
    this.notes = await NotesStore.open(join(this.folder, "rounds"));
    const now = () => this.round.now + this.drift;
    const chain = {
      status: async () => {
        this.asked += 1;
        return this.standing;
      },
    };
    this.drops = new Drops({ chain, logger, now });
    this.tail = new Tail(
      { network: "devchain", auditorKey: this.round.state.open.auditorKey, everyMs: 1_000 },
      {
        source: {
          liveRounds: async () => this.live,
          readFrom: async (_roundId, from, count) => {
            this.reads += 1;
            return this.texts.slice(from - 1, from - 1 + count);
          },
          publishHead: async (roundId, head, isNew) => {
            const onDisk = await readFile(join(this.folder, "rounds", `${roundId}.jsonl`), "utf8");
            this.shown.push({ head, isNew, onDisk });
          },
        },
        notes: this.notes,
        drops: this.drops,
        verify: STUB.verify,
        sign: (bytes) => signEd25519(bytes, SEED),
        logger,
        now,
      },
    );
  }

  /** The store has what the round wrote, or the entries given; then the auditor looks. */
  async look(entries: readonly Entry[] = this.round.entries): Promise<void> {
    this.texts = entries.map((entry) => JSON.stringify(entry));
    await this.tail.look();
    await this.drops.stop();
  }

  async flag() {
    const { flag } = await this.notes.of(this.id);
    return flag && { code: flag.code, reason: flag.reason };
  }

  /** The auditor has given the journal up for this reason, for good, and signs no head any more. */
  async assertFlagged(code: string, reason: RegExp): Promise<void> {
    const heads = this.shown.length;
    const flag = await this.flag();
    assert.equal(flag?.code, code);
    assert.match(flag?.reason ?? "", reason);
    await this.look();
    await this.restart();
    await this.look();
    assert.deepEqual(await this.flag(), flag, "remembered after a restart");
    assert.equal(this.shown.length, heads);
  }

  play(): this {
    for (const who of [ann, bob, cat]) this.round.must(this.round.deposit(who, 9_000));
    this.round.must(this.round.enter(ann, "a"));
    this.round.must(this.round.enter(bob, "b"));
    return this;
  }

  boost(ms: number, sats = 100): this {
    this.round.at(ms).must(this.round.boost(cat, "a", sats));
    return this;
  }
}

/** Writes the hashes of the entries anew, as whoever holds Redis can. */
export function rechain(entries: readonly Entry[]): Entry[] {
  let head = EMPTY_HEAD;
  return entries.map(({ record, sig, private: text }) => {
    const draft = { kind: record.kind, body: record.body } as Parameters<typeof seal>[2];
    const made = seal({ ...head, at: 0 }, record.at, draft, {
      ...(sig && { sig }),
      ...(text && { private: text }),
    });
    head = { seq: made.record.seq, hash: made.hash, at: record.at };
    return made;
  });
}
