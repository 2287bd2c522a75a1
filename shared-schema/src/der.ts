/** Signatures as scripts carry them. Owns: from DER with a scope byte to the compact form. Pure. */
import { SIGHASH_ALL_FORKID } from "./sighash.ts";

const SCOPE = SIGHASH_ALL_FORKID.toString(16);

/** The 64 compact bytes (hex) of a DER signature with scope 0x41 (hex); undefined when it is none. */
export function compactOfDer(signature: string): string | undefined {
  if (!signature.startsWith("30") || !signature.endsWith(SCOPE)) return undefined;
  const der = signature.slice(0, -SCOPE.length);
  const byte = (at: number): number => Number.parseInt(der.slice(2 * at, 2 * at + 2), 16);
  const rLength = byte(3);
  const sLength = byte(5 + rLength);
  const fits = byte(2) === 2 && byte(4 + rLength) === 2 && 6 + rLength + sLength === der.length / 2;
  if (!fits || byte(1) !== der.length / 2 - 2) return undefined;
  const number = (at: number, length: number): string =>
    der
      .slice(2 * at, 2 * (at + length))
      .replace(/^(?:00)+/, "")
      .padStart(64, "0");
  const compact = number(4, rLength) + number(6 + rLength, sLength);
  return compact.length === 128 ? compact : undefined;
}
