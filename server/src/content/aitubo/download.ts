/**
 * Fetches a result that AITubo made (C3). Owns: where a result may come from and how much of it, redirects, types.
 * Does not own: whether the picture is of any use (picture.ts).
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { sniffPicture } from "../upload/picture.ts";
import {
  PrivateAddressError,
  publicLookup,
  type Resolve,
  refusePrivateLiteral,
  resolveAll,
} from "./addresses.ts";
import { AituboError, refusal } from "./answers.ts";

export interface DownloadOptions {
  /** `https:`, or `http:` where the API itself is a stand-in without TLS. */
  protocol: string;
  /** Development and tests: results may come from this machine. */
  allowPrivate: boolean;
  /** For the whole exchange, ms. */
  timeoutMs: number;
}

const PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/**
 * The bytes of a JPEG, PNG, WebP or GIF of at most `maxBytes`. Throws AituboError: `retry` when nothing came,
 * `permanent` for an address that may not be asked, a redirect, another type, or too much.
 */
export async function download(
  url: string,
  maxBytes: number,
  options: DownloadOptions,
  { resolve = resolveAll, now }: { resolve?: Resolve; now: () => number },
): Promise<Uint8Array> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  // A result of an https API is not fetched in the clear.
  if (!target || target.protocol !== options.protocol || target.username || target.password)
    throw new AituboError("permanent", "a result's address cannot be fetched from");
  try {
    if (!options.allowPrivate) refusePrivateLiteral(target);
    const response = await open(target, options, resolve);
    try {
      return await read(response, maxBytes, now());
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (error instanceof AituboError) throw error;
    if (error instanceof PrivateAddressError)
      throw new AituboError("permanent", "a result's host leads to an address that is not public", {
        cause: error,
      });
    throw new AituboError("retry", "a result could not be fetched", { cause: error });
  }
}

function open(url: URL, options: DownloadOptions, resolve: Resolve): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const call = request(url, {
      // A connection of its own: one from a pool may lead to an address that was not checked.
      agent: false,
      headers: { accept: PICTURE_TYPES.join(", "), "accept-encoding": "identity" },
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(options.allowPrivate ? {} : { lookup: publicLookup(resolve) }),
    });
    call.once("response", done);
    // Also after the response began: then the reader has the error already.
    call.on("error", fail);
    call.end();
  });
}

async function read(response: IncomingMessage, maxBytes: number, now: number): Promise<Uint8Array> {
  const what = "a download";
  const code = response.statusCode ?? 0;
  // A file host's refusal says nothing about our key or credit.
  if ([401, 402, 403].includes(code)) throw new AituboError("permanent", `a result is refused: ${code}`);
  if (code !== 200) throw refusal({ code, what, retryAfter: response.headers["retry-after"] ?? null, now });
  const type = response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "none";
  if (!PICTURE_TYPES.includes(type))
    throw new AituboError("permanent", `a result is no picture but ${type.slice(0, 60)}`);
  const tooLarge = () => new AituboError("permanent", `a result has more than ${maxBytes} bytes`);
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response) {
    if (!(part instanceof Uint8Array)) continue;
    size += part.length;
    if (size > maxBytes) throw tooLarge();
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  if (!(await sniffPicture(bytes))) throw new AituboError("permanent", "a result is no picture");
  return bytes;
}
