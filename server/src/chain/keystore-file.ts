/**
 * Keystore files (M7). Owns: mode 0600, what is refused where real coins are guarded (O7), replacing a file so that it is
 * always whole and the one before is kept.
 * Does not own: what the keys are (keystore.ts), the format (keystore-format.ts), which service opens which file.
 */
import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { canonicalJson } from "@meme-rounds/shared-schema/hash";
import { type KeyPurpose, type KeyRing, Keystore } from "./keystore.ts";
import { type KeystoreDeps, seal, unseal } from "./keystore-format.ts";

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    throw new CodedError("KEYSTORE_ABSENT", `There is no keystore at ${path}.`, { cause: error });
  }
}

/** Others' permission bits. */
const OTHERS = 0o077;

/**
 * Opens a keystore (M7). With `real`, for keys that guard real coins, a development keystore and a file that others than
 * its owner can read are refused (O7). Throws CodedError KEYSTORE_ABSENT, KEYSTORE_PASSPHRASE_WRONG, KEYSTORE_DAMAGED,
 * KEYSTORE_EXPOSED or KEYSTORE_DEVELOPMENT.
 */
export async function openKeystore(
  path: string,
  passphrase: string,
  options: { real?: boolean } = {},
): Promise<Keystore> {
  const text = await readText(path);
  if (options.real && ((await stat(path)).mode & OTHERS) !== 0)
    throw new CodedError("KEYSTORE_EXPOSED", `Others can read the keystore ${path}: run chmod 600 ${path}`);
  const keystore = await unseal(path, text, passphrase);
  if (options.real && keystore.purpose !== "real")
    throw new CodedError("KEYSTORE_DEVELOPMENT", `The keystore ${path} holds development keys.`);
  return keystore;
}

/** Writes `temporary`, mode 0600, to the disk. Throws EEXIST when it is there. */
async function writeTemporary(temporary: string, text: string): Promise<void> {
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name that was linked or renamed is safe from a power cut once its folder is on the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Encrypts keys into a new file of mode 0600, whole or not there, and returns the keystore (M7). Throws CodedError
 * KEYSTORE_EXISTS rather than replace a file, RangeError for a key its curve does not take or an empty passphrase.
 */
export async function createKeystore(
  path: string,
  passphrase: string,
  { keys, purpose }: { keys: KeyRing; purpose: KeyPurpose },
  deps: KeystoreDeps = {},
): Promise<Keystore> {
  const keystore = new Keystore(keys, purpose);
  const text = await seal(keystore, passphrase, deps);
  const temporary = `${path}.${toHex(Uint8Array.from((deps.randomBytes ?? randomBytes)(6)))}`;
  try {
    await writeTemporary(temporary, text);
    await link(temporary, path);
    await syncFolder(path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw new CodedError("KEYSTORE_EXISTS", undefined, { cause: error });
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return keystore;
}

/**
 * Changes a keystore's keys, its passphrase or both (M7). The new file is read back before it takes the old one's place in
 * one step; the old one stays beside it under the returned name. Throws what openKeystore throws, and CodedError
 * KEYSTORE_BUSY while another change is under way (its temporary file is there). The file is as it was after any throw.
 */
export async function changeKeystore(
  path: string,
  passphrase: string,
  change: { keys?: (old: Keystore) => Keystore; passphrase?: string },
  deps: KeystoreDeps = {},
): Promise<{ keystore: Keystore; backup: string }> {
  const temporary = `${path}.new`;
  const file = await openOnly(path, temporary);
  // Once renamed, the name may be that of somebody else's change.
  let ours = true;
  try {
    const old = await unseal(path, await readText(path), passphrase);
    const keystore = change.keys?.(old) ?? old;
    const secret = change.passphrase ?? passphrase;
    const text = await seal(keystore, secret, deps);
    await file.writeFile(text);
    await file.sync();
    const again = await unseal(temporary, await readText(temporary), secret);
    if (!sameKeys(again, keystore)) throw new Error(`${temporary} does not hold what was written`);
    const backup = `${path}.${new Date((deps.now ?? Date.now)()).toISOString().replaceAll(":", "")}.bak`;
    await link(path, backup);
    await rename(temporary, path);
    ours = false;
    await syncFolder(path);
    return { keystore, backup };
  } finally {
    await file.close();
    if (ours) await rm(temporary, { force: true });
  }
}

/** The new file, which is the lock too: two changes at once could each lose the other's key. */
async function openOnly(path: string, temporary: string): Promise<FileHandle> {
  try {
    return await open(temporary, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      const sentence = `Another change of this keystore is under way, or was cut short: ${temporary} is there.`;
      throw new CodedError("KEYSTORE_BUSY", sentence, { cause: error });
    }
    if (codeOf(error) !== "ENOENT") throw error;
    throw new CodedError("KEYSTORE_ABSENT", `There is no keystore at ${path}.`, { cause: error });
  }
}

/** Compared by public keys: each follows from its secret. */
const sameKeys = (one: Keystore, two: Keystore): boolean => {
  const shown = (keystore: Keystore) =>
    canonicalJson({
      purpose: keystore.purpose,
      keys: keystore.names().map((name) => keystore.generations(name)),
    });
  return shown(one) === shown(two);
};
