/**
 * BRC-100 wallets (I1): `createSignature` with counterparty "anyone", checked without the wallet SDK: whoever is
 * "anyone" has the secret 1, so the shared secret is the identity key itself, and the key that signed is that key plus
 * HMAC(shared secret, invoice number) x G (BRC-42, BRC-43). Pure; a test holds it to the SDK's verdicts.
 */
import { createHmac } from "node:crypto";
import type { Curve } from "../../infra/curve.ts";
import { sha256 } from "./addresses.ts";
import { readDer, readHex } from "./encoding.ts";

export interface Brc100Protocol {
  /** Security level and name, lowercase letters, digits and single spaces. */
  protocolID: readonly [0 | 1 | 2, string];
  keyID: string;
}

/** What our page asks the wallet for; the keyID is the challenge's nonce. */
export const SIGN_IN_PROTOCOL = [2, "memerounds signin"] as const;

/** The derived key (compressed) that signs for an identity key; undefined when that is no key. */
function signingKey(
  identityKey: Uint8Array,
  { protocolID, keyID }: Brc100Protocol,
  curve: Curve,
): Uint8Array | undefined {
  const [level, name] = protocolID;
  const offset = createHmac("sha256", identityKey).update(`${level}-${name}-${keyID}`, "utf8").digest();
  return curve.combine(identityKey, undefined, offset);
}

/** True when the identity key (compressed) made the signature (lowercase hex, strict DER, low S) of the message. */
export function verifyBrc100(
  message: string,
  signature: string,
  identityKey: Uint8Array,
  protocol: Brc100Protocol,
  curve: Curve,
): boolean {
  const der = readHex(signature);
  const compact = der && readDer(der);
  if (compact === undefined) return false;
  const key = signingKey(identityKey, protocol, curve);
  return key !== undefined && curve.verify(sha256(Buffer.from(message, "utf8")), compact, key);
}
