/**
 * `npm run keys`: makes, shows and rotates the keys, and changes a keystore's passphrase (M7).
 * Owns: the commands and their words. Does not own: the files (chain/keystore-file.ts).
 * The passphrase comes from the environment, never from the command line, where other users of the machine see it.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { CodedError, ERRORS } from "@meme-rounds/shared-schema/errors";
import { sha256 } from "@meme-rounds/shared-schema/hash";
import {
  changeKeystore,
  createKeystore,
  generateKeys,
  type KeyName,
  type Keystore,
  type KeystoreDeps,
  openKeystore,
  withNewGeneration,
} from "../chain/index.ts";
import { ConfigError, type KeysConfig, readKeysConfig } from "../config.ts";
import { KEYS_OF, type KeystoreOwner, keystorePath } from "../payment/keys.ts";

const USAGE = `npm run keys -- <command>

  make operator|auditor                          a new keystore with keys of its own
  show [operator|auditor]                        public keys, addresses, fingerprints, when made
  rotate operator|receipt|auditor|auditorHead    one more generation of that key, used from now on
  passphrase operator|auditor                    changes the passphrase to KEYSTORE_PASSPHRASE_NEW

Reads KEYSTORE_PASSPHRASE, DATA_DIR and NETWORK from the environment.`;

const MIN_PASSPHRASE = 12;

/** What a person has to put right; its message says how. */
class KeysError extends Error {}

export interface KeysDeps extends KeystoreDeps {
  say(line: string): void;
}

const OWNERS = Object.keys(KEYS_OF) as KeystoreOwner[];

const isOwner = (text: string | undefined): text is KeystoreOwner => OWNERS.some((owner) => owner === text);

const ownerOfKey = (name: string | undefined): { owner: KeystoreOwner; key: KeyName } | undefined => {
  for (const owner of OWNERS) {
    const key = KEYS_OF[owner].find((one) => one === name);
    if (key !== undefined) return { owner, key };
  }
  return undefined;
};

function strong(passphrase: string | undefined, name: string): string {
  if (passphrase === undefined) throw new KeysError(`${name} is not set.`);
  if (passphrase.length < MIN_PASSPHRASE)
    throw new KeysError(
      `${name} is shorter than ${MIN_PASSPHRASE} characters: a copy could be opened by guessing.`,
    );
  return passphrase;
}

/** First 4 bytes of the public key's sha256: short enough to compare by ear. */
const fingerprint = (publicKey: string): string =>
  toHex(sha256(fromHex(publicKey)).subarray(0, 4)).replace(/^(.{4})/, "$1 ");

function shown(keystore: Keystore, network: KeysConfig["NETWORK"]): string[] {
  return keystore.names().flatMap((name) =>
    keystore.generations(name).flatMap(({ publicKey, createdAt, current }, index) => [
      `  ${name} ${index + 1}${current ? " (current)" : " (settles older rounds)"}`,
      `    public key   ${publicKey}`,
      `    fingerprint  ${fingerprint(publicKey)}`,
      // The only key that holds coins alone: the float.
      ...(name === "operator" ? [`    address      ${addressOf(publicKey, network)} (${network})`] : []),
      `    made         ${createdAt === undefined ? "not known" : new Date(createdAt).toISOString()}`,
    ]),
  );
}

async function make(owner: KeystoreOwner, config: KeysConfig, deps: KeysDeps): Promise<void> {
  const path = keystorePath(config.DATA_DIR, owner);
  const passphrase = strong(config.KEYSTORE_PASSPHRASE, "KEYSTORE_PASSPHRASE");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const keys = generateKeys([...KEYS_OF[owner]], deps);
  const keystore = await createKeystore(path, passphrase, { keys, purpose: "real" }, deps);
  deps.say(
    `Made ${path}. Copy it to a safe place now: without it and its passphrase nothing opens what it guards.`,
  );
  for (const line of shown(keystore, config.NETWORK)) deps.say(line);
}

async function show(owners: KeystoreOwner[], config: KeysConfig, deps: KeysDeps): Promise<void> {
  for (const owner of owners) {
    const path = keystorePath(config.DATA_DIR, owner);
    const keystore = await openKeystore(path, config.KEYSTORE_PASSPHRASE);
    deps.say(`${owner}: ${path} (${keystore.purpose} keys)`);
    for (const line of shown(keystore, config.NETWORK)) deps.say(line);
  }
}

async function rotate(name: string | undefined, config: KeysConfig, deps: KeysDeps): Promise<void> {
  const found = ownerOfKey(name);
  if (found === undefined)
    throw new KeysError(`Which key? operator, receipt, auditor or auditorHead.\n\n${USAGE}`);
  const { owner, key } = found;
  const path = keystorePath(config.DATA_DIR, owner);
  const { keystore, backup } = await changeKeystore(
    path,
    config.KEYSTORE_PASSPHRASE,
    { keys: (old) => withNewGeneration(old, key, deps) },
    deps,
  );
  deps.say(
    `${path} has one more ${key} key. The file as it was is ${backup}; copy the new one to a safe place now.`,
  );
  for (const line of shown(keystore, config.NETWORK)) deps.say(line);
  const order =
    owner === "operator" ? "the payment workers first, then the game" : "the auditor first, then the game";
  deps.say(`Restart ${order}: rounds that open then use the new key, those before keep theirs.`);
}

async function passphrase(owner: KeystoreOwner, config: KeysConfig, deps: KeysDeps): Promise<void> {
  const path = keystorePath(config.DATA_DIR, owner);
  const next = strong(config.KEYSTORE_PASSPHRASE_NEW, "KEYSTORE_PASSPHRASE_NEW");
  if (next === config.KEYSTORE_PASSPHRASE)
    throw new KeysError("KEYSTORE_PASSPHRASE_NEW is the passphrase it has.");
  const { backup } = await changeKeystore(path, config.KEYSTORE_PASSPHRASE, { passphrase: next }, deps);
  deps.say(
    `${path} opens with the new passphrase. The file as it was is ${backup}: the old passphrase opens it still.`,
  );
}

/**
 * Runs one command and returns the exit code: 0, or 1 after saying what has to be put right. Never says a secret.
 * `env` is the environment.
 */
export async function runKeys(
  args: string[],
  env: Record<string, string | undefined>,
  deps: KeysDeps,
): Promise<number> {
  const [command, what, ...more] = args;
  try {
    if (command === "--help" || command === "help") {
      deps.say(USAGE);
      return 0;
    }
    if (command === undefined || more.length > 0) throw new KeysError(USAGE);
    const config = readKeysConfig(env);
    if (command === "show" && what === undefined) await show(OWNERS, config, deps);
    else if (command === "show" && isOwner(what)) await show([what], config, deps);
    else if (command === "make" && isOwner(what)) await make(what, config, deps);
    else if (command === "rotate") await rotate(what, config, deps);
    else if (command === "passphrase" && isOwner(what)) await passphrase(what, config, deps);
    else throw new KeysError(USAGE);
    return 0;
  } catch (error) {
    for (const line of wordsFor(error)) deps.say(line);
    return 1;
  }
}

/** Throws what is no mistake of the caller's. */
function wordsFor(error: unknown): string[] {
  if (error instanceof KeysError || error instanceof ConfigError) return [error.message];
  if (error instanceof CodedError) return [error.message, ERRORS[error.code].advice];
  throw error;
}

if (import.meta.main)
  process.exitCode = await runKeys(process.argv.slice(2), process.env, { say: console.log });
