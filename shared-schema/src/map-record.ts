/**
 * Signed records on chain (M6): a file by the B protocol, MAP's keys and values, AIP's signature over both. Owns: their
 * bytes (docs/SPEC.md 8.7), signing and reading them. Does not own: which records there are (map-record-kinds.ts), who is
 * believed: a reader compares the signer's address with the one it expects.
 *
 * AIP signs the fields one behind the other, without lengths, so that the same signature fits other fields cut from the
 * same bytes. The value `sum` ends that: it is the hash of the fields as they are.
 */
import { concat } from "./bytes.ts";
import {
  bytesText,
  type ChainFile,
  dataScript,
  fileFields,
  readDataScript,
  readFile,
  textBytes,
} from "./chain-data.ts";
import { addressOf, publicKeyOf } from "./crypto.ts";
import { hashJson, sha256Hex } from "./hash.ts";
import type { Network } from "./records.ts";
import { recoverBsm, signBsm } from "./sign-in.ts";

const MAP_PREFIX = "1PuQa7K62MiKCtssSLKy1kh56WWU7MtUR5";
const AIP_PREFIX = "15PciHG22SNLQJXMoSUaWVi7WSqc7hCfva";
const ALGORITHM = "BITCOIN_ECDSA";
const PIPE = "|";
/** AIP's message begins with the opcode before the fields. */
const RETURN = Uint8Array.of(0x6a);
const SUM = "sum";
const APP = "meme-rounds";

/** What a record says, in the order it was written. `app` and `sum` are put and checked here, and are not in it. */
export type MapValues = Readonly<Record<string, string>>;

export interface SignedRecord {
  file?: ChainFile;
  values: MapValues;
  /** Address of the key that signed. */
  signer: string;
}

const sumOf = (values: MapValues, file: ChainFile | undefined): string =>
  hashJson({
    values,
    ...(file === undefined ? {} : { file: { ...file, data: sha256Hex(file.data) } }),
  });

function split(fields: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = [[]];
  for (const field of fields)
    if (field.length === 1 && field[0] === 0x7c) parts.push([]);
    else parts.at(-1)?.push(field);
  return parts;
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

/**
 * The output (hex) of a record, signed with `secret`. Throws a RangeError on a value that is a lone pipe, which would
 * end its part, and on a key that is put by this function.
 */
export function recordScript(
  record: { file?: ChainFile; values: MapValues },
  by: { secret: Uint8Array; network: Network },
): string {
  const { file, values } = record;
  const pairs = Object.entries(values);
  for (const [key, value] of pairs)
    if (key === SUM || key === "app" || [key, value].includes(PIPE)) throw new RangeError(`value of ${key}`);
  const all = { app: APP, ...values, [SUM]: sumOf(values, file) };
  const map = ["SET", ...Object.entries(all).flat()];
  const signed = [
    ...(file === undefined ? [] : [...fileFields(file), textBytes(PIPE)]),
    ...[MAP_PREFIX, ...map, PIPE].map(textBytes),
  ];
  const signature = fromBase64(signBsm(concat(RETURN, ...signed), by.secret));
  const address = addressOf(publicKeyOf(by.secret), by.network);
  return dataScript([...signed, ...[AIP_PREFIX, ALGORITHM, address].map(textBytes), signature]);
}

/** Key and value pairs behind `SET`; undefined when one is no text, comes twice, or stands alone. */
function readMap(fields: readonly Uint8Array[]): Record<string, string> | undefined {
  const texts = fields.map(bytesText);
  if (texts[0] !== MAP_PREFIX || texts[1] !== "SET" || texts.length % 2 !== 0) return undefined;
  const values = new Map<string, string>();
  for (let at = 2; at < texts.length; at += 2) {
    const [key, value] = [texts[at], texts[at + 1]];
    if (key === undefined || value === undefined || values.has(key)) return undefined;
    values.set(key, value);
  }
  return Object.fromEntries(values);
}

/** The address whose key made the AIP signature over `signed`, when it is the one that is named. */
function signerOf(aip: readonly Uint8Array[], signed: Uint8Array, network: Network): string | undefined {
  const [prefix, algorithm, address, signature, ...rest] = aip;
  if (!prefix || !algorithm || !address || !signature || rest.length > 0) return undefined;
  if (bytesText(prefix) !== AIP_PREFIX || bytesText(algorithm) !== ALGORITHM) return undefined;
  // Some write the 65 bytes, some their base64.
  const text = signature.length === 65 ? toBase64(signature) : bytesText(signature);
  const key = text === undefined ? undefined : recoverBsm(signed, text);
  const named = bytesText(address);
  return key !== undefined && addressOf(key, network) === named ? named : undefined;
}

/**
 * Reads one of our records (output script, hex): undefined when it is none, is not signed by the address it names, or
 * its parts were cut otherwise than they were signed.
 */
export function readRecord(scriptHex: string, network: Network): SignedRecord | undefined {
  const fields = readDataScript(scriptHex);
  if (fields === undefined) return undefined;
  const parts = split(fields);
  const aip = parts.at(-1) ?? [];
  const [first, second] = parts;
  const file = parts.length === 3 && first !== undefined ? readFile(first) : undefined;
  const map = parts.length === 3 && file !== undefined ? second : parts.length === 2 ? first : undefined;
  const read = map === undefined ? undefined : readMap(map);
  if (read === undefined) return undefined;
  const { app, [SUM]: sum, ...values } = read;
  if (app !== APP || sum !== sumOf(values, file)) return undefined;
  const signed = fields.slice(0, fields.length - aip.length);
  const signer = signerOf(aip, concat(RETURN, ...signed), network);
  return signer === undefined ? undefined : { ...(file === undefined ? {} : { file }), values, signer };
}
