/**
 * How a round's state leaves the process: Colyseus's schema serializer with two repairs and one listener.
 * Owns: copying encoded bytes, feeding the tap, dropping clients that do not read.
 * Does not own: what the state holds (the room), where the tap's bytes go (tap.ts).
 */
import { type Client, ClientState, SchemaSerializer } from "@colyseus/core";
import { $refId, type Encoder, type Schema } from "@colyseus/schema";
import type { Tap } from "./tap.ts";

/** Room for a full round's state, bytes: the encoder starts over each time its buffer proves too small. */
const FULL_STATE_BYTES = 256 * 1024;

/**
 * The encoder hands out views of one buffer that the next patch overwrites, while a socket under back-pressure
 * still holds them: slow readers got corrupted patches. Here each patch is copied once, whatever the number of clients.
 */
class CopyingSerializer<T extends Schema = Schema> extends SchemaSerializer<T> {
  protected override fullEncodeBuffer = new Uint8Array(FULL_STATE_BYTES);

  override reset(state: T & Schema): void {
    super.reset(state);
    const { encoder } = this;
    const encode = encoder.encode.bind(encoder);
    const encodeAll = encoder.encodeAll.bind(encoder);
    encoder.encode = (...args: Parameters<typeof encode>) => encode(...args).slice();
    encoder.encodeAll = (...args: Parameters<typeof encodeAll>) => encodeAll(...args).slice();
  }
}

/** Ids of objects one owner of a round may give away, and how many owners have ids of their own: 2^32 in all. */
const IDS_PER_EPOCH = 2 ** 20;
const EPOCHS = 2 ** 12 - 1;

/**
 * Gives all objects but the root new ids from `first` on, and those to come higher ones. Only before anything was sent.
 */
function moveIds(encoder: Encoder, first: number): void {
  const { root } = encoder;
  const { changeTrees, refCount } = root;
  root.changeTrees = {};
  root.refCount = {};
  let last = 0;
  for (const [text, tree] of Object.entries(changeTrees)) {
    const id = Number(text);
    const moved = id === 0 ? 0 : first + id;
    Object.assign(tree.ref, { [$refId]: moved });
    root.changeTrees[moved] = tree;
    root.refCount[moved] = refCount[id] ?? 1;
    last = Math.max(last, moved);
  }
  Object.assign(root, { nextUniqueId: Math.max(first, last) + 1 });
}

export interface TapSerializerOptions {
  /** Least ms between two snapshots of a changing state. Default 1,000. */
  snapshotMs?: number;
  /** A state that stands still is sent again after this many ms: relays take silence for death. Default 2,000. */
  idleMs?: number;
}

/** Encodes once for players and audience: the tap receives exactly the bytes a client without a view would (R6). */
export class TapSerializer<T extends Schema = Schema> extends CopyingSerializer<T> {
  readonly #tap: Pick<Tap, "patch" | "snapshot">;
  readonly #now: () => number;
  readonly #snapshotMs: number;
  readonly #idleMs: number;
  readonly #listener: Client;
  #lastSnapshot = Number.NEGATIVE_INFINITY;
  #dirty = true;

  constructor(
    options: TapSerializerOptions,
    deps: { tap: Pick<Tap, "patch" | "snapshot">; now: () => number },
  ) {
    super();
    this.#tap = deps.tap;
    this.#now = deps.now;
    this.#snapshotMs = options.snapshotMs ?? 1_000;
    this.#idleMs = options.idleMs ?? 2_000;
    // The serializer reads these three members of a client and no other.
    const listener: Pick<Client, "state" | "view" | "raw"> = {
      state: ClientState.JOINED,
      view: undefined,
      raw: (bytes) => deps.tap.patch(bytes),
    };
    this.#listener = listener as Client;
  }

  override reset(state: T & Schema): void {
    super.reset(state);
    this.snapshotSoon();
  }

  /**
   * Call it once, before the first patch: this process' objects get ids that those of the round's earlier owners never
   * had, so that its full state replaces theirs in a client that has followed since before a takeover (R5).
   * @param epoch the lease's fencing token.
   */
  beginEpoch(epoch: number): void {
    moveIds(this.encoder, (1 + (epoch % EPOCHS)) * IDS_PER_EPOCH);
    this.snapshotSoon();
  }

  /** The next patch tick sends a snapshot, whatever the time. */
  snapshotSoon(): void {
    this.#lastSnapshot = Number.NEGATIVE_INFINITY;
  }

  override applyPatches(
    ...[clients, state, timing]: Parameters<SchemaSerializer<T>["applyPatches"]>
  ): boolean {
    const changed = super.applyPatches([...clients, this.#listener], state, timing);
    this.#dirty ||= changed;
    const since = this.#now() - this.#lastSnapshot;
    // Only here, right after a patch, nothing is pending: the snapshot holds exactly what the patches so far say.
    if (since >= (this.#dirty ? this.#snapshotMs : this.#idleMs)) {
      this.#tap.snapshot(this.getFullState(), this.handshake());
      this.#lastSnapshot = this.#now();
      this.#dirty = false;
    }
    return changed;
  }
}

/**
 * Drops clients that read too slowly; their SDK reconnects by itself. Call it once per patch.
 * @param maxBufferedBytes unsent bytes a client may have.
 * @returns how many were dropped.
 */
export function closeSlow(clients: Iterable<Client>, maxBufferedBytes: number): number {
  let dropped = 0;
  for (const { ref } of clients) {
    if (!isSocket(ref) || ref.bufferedAmount <= maxBufferedBytes) continue;
    // Not close(): its frame would wait behind everything the client does not read.
    ref.terminate();
    dropped++;
  }
  return dropped;
}

interface Socket {
  bufferedAmount: number;
  terminate(): void;
}

const isSocket = (ref: object): ref is Socket => "bufferedAmount" in ref && "terminate" in ref;
