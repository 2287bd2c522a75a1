/** Where the keystores are, whether they may be made, and how strictly they are read (M7, O7). */
import type { Config } from "../config.ts";
import { isReal } from "../mixtures.ts";
import { type KeystoreOptions, keystorePath } from "../payment/index.ts";

/** Keys are made by themselves only where they guard nothing: on the devchain, outside production. */
export const mayCreateKeys = (config: Config): boolean =>
  config.NETWORK === "devchain" && config.NODE_ENV !== "production";

export const operatorKeystore = (config: Config): KeystoreOptions => ({
  path: keystorePath(config.DATA_DIR, "operator"),
  passphrase: config.KEYSTORE_PASSPHRASE,
  createIfAbsent: mayCreateKeys(config),
  real: isReal(config),
});
