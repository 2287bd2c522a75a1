/** Where the operator's keystore is, and whether it may be made (M7). */
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { KeystoreOptions } from "../payment/index.ts";

/** Keys are made by themselves only where they guard nothing: on the devchain, outside production. */
export const mayCreateKeys = (config: Config): boolean =>
  config.NETWORK === "devchain" && config.NODE_ENV !== "production";

export const operatorKeystore = (config: Config): KeystoreOptions => ({
  path: join(config.DATA_DIR, "operator", "keystore.json"),
  passphrase: config.KEYSTORE_PASSPHRASE,
  createIfAbsent: mayCreateKeys(config),
});
