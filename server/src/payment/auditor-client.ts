/** The operator's line to the auditor. Owns: its HTTP calls and what their failures mean. Does not own: retries. */
import type { z } from "zod";
import {
  AuditorRefusal,
  auditorKeysAnswer,
  type CosignRequest,
  cosignAnswer,
  refusalAnswer,
  type Signatures,
} from "./wire.ts";

export interface AuditorClientOptions {
  url: string;
  /** ms; a round of 10,000 deposits takes the auditor a while. */
  timeoutMs: number;
}

export interface AuditorClient {
  keys(): Promise<{ auditorKey: string; headKey: string }>;
  /** Throws AuditorRefusal; its code is UNAVAILABLE when there was no usable answer. */
  cosign(request: CosignRequest): Promise<Signatures>;
}

export function createAuditorClient(options: AuditorClientOptions): AuditorClient {
  const call = async <S extends z.ZodType>(path: string, answer: S, body?: object): Promise<z.output<S>> => {
    let status: number;
    let json: unknown;
    try {
      const response = await fetch(new URL(path, options.url), {
        signal: AbortSignal.timeout(options.timeoutMs),
        ...(body === undefined
          ? {}
          : {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify(body),
            }),
      });
      status = response.status;
      json = await response.json();
    } catch (cause) {
      throw new AuditorRefusal("UNAVAILABLE", "the auditor does not answer", { cause });
    }
    const good = answer.safeParse(json);
    if (status === 200 && good.success) return good.data;
    const refused = refusalAnswer.safeParse(json);
    if (refused.success) throw new AuditorRefusal(refused.data.code, refused.data.reason);
    throw new AuditorRefusal("UNAVAILABLE", `the auditor's answer (${status}) makes no sense`);
  };
  return {
    keys: () => call("/keys", auditorKeysAnswer),
    cosign: async (request) => (await call("/cosign", cosignAnswer, request)).signatures,
  };
}
