/** The transactions that a broadcast brings, in every form the dialects know. Does not own: what becomes of them. */
import { z } from "zod";
import { BadCall, type Call, hexBytes, jsonBody } from "./http.ts";
import { splitTxs } from "./wire.ts";

const rawTxBody = z.object({ rawTx: z.string() });
const rawTxsBody = z.array(rawTxBody);
const txhexBody = z.object({ txhex: z.string() });

const ARC_POST = /^(\/v1)?\/(txs?)$/;
const WOC_POST = /^\/v1\/bsv\/(?:main|test)\/tx\/raw$/;

/** `arcade`: paths without /v1, and no JSON. */
export interface Broadcast {
  face: "arc" | "arcade" | "woc";
  /** Several may be sent at once, and are answered as a list. */
  list: boolean;
}

/** What kind of broadcast a call is; undefined when it is none. */
export function broadcastOf({ method, path }: Pick<Call, "method" | "path">): Broadcast | undefined {
  if (method !== "POST") return undefined;
  if (WOC_POST.test(path)) return { face: "woc", list: false };
  const [found, version, name] = ARC_POST.exec(path) ?? [];
  if (found === undefined) return undefined;
  return { face: version === undefined ? "arcade" : "arc", list: name === "txs" };
}

const isType = (call: Call, type: string): boolean => call.headers["content-type"]?.includes(type) ?? false;

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new BadCall(z.prettifyError(result.error));
  return result.data;
}

function split(bytes: Uint8Array): Uint8Array[] {
  try {
    return splitTxs(bytes);
  } catch (error) {
    throw new BadCall(error instanceof Error ? error.message : String(error));
  }
}

/** The bytes of every transaction in it. Throws BadCall when the body cannot be read; one that is no hex, too. */
export function transactionsIn(call: Call, { face, list }: Broadcast): Uint8Array[] {
  if (face === "woc") return [hexBytes(parsed(txhexBody, jsonBody(call)).txhex)];
  const isBytes = isType(call, "octet-stream");
  if (isBytes) return list ? split(call.body) : [call.body];
  const isJson = isType(call, "json");
  if (face === "arcade" && (list || isJson)) throw new BadCall("failed to parse transaction");
  const text = call.body.toString("utf8").trim();
  if (!list) return [hexBytes(isJson ? parsed(rawTxBody, jsonBody(call)).rawTx : text)];
  const hexes = isJson ? parsed(rawTxsBody, jsonBody(call)).map(({ rawTx }) => rawTx) : text.split(/\s+/);
  return hexes.map(hexBytes);
}
