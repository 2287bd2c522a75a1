/**
 * The keys of a keystore, opened (M7). Owns: which keys there are, their generations (a rotated key stays held, to settle
 * the rounds that named it), finding the secret of a public key, keeping secrets out of logs.
 * Does not own: the file (keystore-file.ts), which service opens which.
 */
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";

/** The operator's keystore holds `operator` and `receipt`, the auditor's own one `auditor` and `auditorHead`. */
const CURVES = { operator: secp256k1, receipt: ed25519, auditor: secp256k1, auditorHead: ed25519 } as const;

export type KeyName = keyof typeof CURVES;
const KEY_NAMES = Object.keys(CURVES) as KeyName[];
export const KEY_BYTES = 32;

/** `development`: made by itself on the devchain, by whoever started it. Never good for real coins (O7). */
export type KeyPurpose = "development" | "real";

/** One secret of a named key. */
export interface Generation {
  /** A secp256k1 private key or an Ed25519 seed, 32 bytes. */
  secret: Uint8Array;
  /** ms since the epoch; absent in files of version 1, which did not note it. */
  createdAt?: number;
}

/** Every named key's generations, the oldest first; the last one is current. */
export type KeyRing = Partial<Record<KeyName, Generation[]>>;

/** What may be shown of a generation. */
export interface PublicGeneration {
  /** Hex: compressed (33 bytes) for secp256k1, 32 bytes for Ed25519. */
  publicKey: string;
  createdAt?: number;
  current: boolean;
}

interface Held {
  secret: Uint8Array;
  public: PublicGeneration;
}

/** An opened keystore. Printing, inspecting or serialising it shows the names of its keys only. */
export class Keystore {
  readonly purpose: KeyPurpose;
  readonly #held: ReadonlyMap<KeyName, Held[]>;

  /** Throws RangeError for a key its curve does not take, or a named key without any. */
  constructor(ring: KeyRing, purpose: KeyPurpose = "development") {
    this.purpose = purpose;
    const held = new Map<KeyName, Held[]>();
    for (const name of KEY_NAMES) {
      const generations = ring[name];
      if (generations !== undefined) held.set(name, hold(name, generations));
    }
    this.#held = held;
  }

  names(): KeyName[] {
    return KEY_NAMES.filter((name) => this.#held.has(name));
  }

  /** Public parts of a key's generations, the oldest first. Throws CodedError KEYSTORE_KEY_MISSING. */
  generations(name: KeyName): PublicGeneration[] {
    return this.#of(name).map((one) => ({ ...one.public }));
  }

  /** The current secret, 32 bytes: a secp256k1 private key or an Ed25519 seed. Throws CodedError KEYSTORE_KEY_MISSING. */
  secretOf(name: KeyName): Uint8Array {
    return Uint8Array.from(this.#current(name).secret);
  }

  /** The current key, hex: compressed (33 bytes) for secp256k1, 32 bytes for Ed25519. Throws CodedError KEYSTORE_KEY_MISSING. */
  publicKeyOf(name: KeyName): string {
    return this.#current(name).public.publicKey;
  }

  /**
   * The secret of a public key of any generation: a round is settled with the keys its first record names, whatever was
   * rotated since. Throws CodedError KEYSTORE_KEY_MISSING.
   */
  secretFor(publicKeyHex: string): Uint8Array {
    for (const held of this.#held.values()) {
      const found = held.find((one) => one.public.publicKey === publicKeyHex);
      if (found) return Uint8Array.from(found.secret);
    }
    throw new CodedError("KEYSTORE_KEY_MISSING", `The keystore does not hold the key ${publicKeyHex}.`);
  }

  /** Everything, secrets too: for writing the file, nothing else. */
  ring(): KeyRing {
    const copies = [...this.#held].map(([name, held]) => [
      name,
      held.map(({ secret, public: { createdAt } }) => generationOf(Uint8Array.from(secret), createdAt)),
    ]);
    return Object.fromEntries(copies);
  }

  toJSON(): { keystore: KeyName[] } {
    return { keystore: this.names() };
  }

  [inspect.custom](): string {
    return `Keystore(${this.names().join(", ")})`;
  }

  #of(name: KeyName): Held[] {
    const held = this.#held.get(name);
    if (!held) throw new CodedError("KEYSTORE_KEY_MISSING", `The keystore does not hold the key "${name}".`);
    return held;
  }

  #current(name: KeyName): Held {
    return this.#of(name).at(-1) as Held;
  }
}

function hold(name: KeyName, generations: Generation[]): Held[] {
  if (generations.length === 0) throw new RangeError(`no generation of the key "${name}"`);
  const curve = CURVES[name];
  return generations.map(({ secret, createdAt }, index) => {
    if (!curve.utils.isValidSecretKey(secret)) throw new RangeError(`bad key "${name}"`);
    return {
      secret: Uint8Array.from(secret),
      public: {
        publicKey: toHex(curve.getPublicKey(secret)),
        current: index === generations.length - 1,
        ...(createdAt === undefined ? {} : { createdAt }),
      },
    };
  });
}

export const generationOf = (secret: Uint8Array, createdAt: number | undefined): Generation =>
  createdAt === undefined ? { secret } : { secret, createdAt };

export interface KeyDeps {
  randomBytes?: (length: number) => Uint8Array;
  now?: () => number;
}

function newGeneration(name: KeyName, deps: KeyDeps): Generation {
  const random = deps.randomBytes ?? randomBytes;
  const curve = CURVES[name];
  let secret = Uint8Array.from(random(KEY_BYTES));
  while (!curve.utils.isValidSecretKey(secret)) secret = Uint8Array.from(random(KEY_BYTES));
  return { secret, createdAt: (deps.now ?? Date.now)() };
}

/** Fresh keys of those names, one generation each. */
export const generateKeys = (names: KeyName[], deps: KeyDeps = {}): KeyRing =>
  Object.fromEntries(names.map((name) => [name, [newGeneration(name, deps)]]));

/**
 * The same keystore with one more generation of that key, which is current from now on. The old ones stay: rounds that
 * name them still have to be settled. Throws CodedError KEYSTORE_KEY_MISSING when the keystore has no such key.
 */
export function withNewGeneration(keystore: Keystore, name: KeyName, deps: KeyDeps = {}): Keystore {
  keystore.publicKeyOf(name);
  const ring = keystore.ring();
  const generations = [...(ring[name] ?? []), newGeneration(name, deps)];
  return new Keystore({ ...ring, [name]: generations }, keystore.purpose);
}
