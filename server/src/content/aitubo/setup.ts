/**
 * AITubo and what surrounds it, out of the settings. Owns: putting client, breaker and addresses together.
 * Does not own: whether it is used (provider.ts), the classifier (passed in).
 */
import { isLoopback } from "../../mixtures.ts";
import { Breaker, type BreakerDeps } from "./breaker.ts";
import { createAitubo } from "./client.ts";
import type { LookDeps } from "./look.ts";
import type { Judge } from "./picture.ts";
import { providerOf } from "./provider.ts";

export interface AituboSettings {
  NODE_ENV: string;
  AITUBO_URL: string;
  AITUBO_API_KEY?: string | undefined;
  AITUBO_MODEL_ID?: string | undefined;
  PUBLIC_URL?: string | undefined;
  MEDIA_SECRET: string;
}

/** One exchange with AITubo, ms. Its claim and the breaker's probe last longer (look.ts, breaker.ts). */
const TIMEOUT_MS = 20_000;

/** What `makeLook` needs of AITubo; undefined where the provider is `local` (C8). */
export function lookParts(
  settings: AituboSettings,
  deps: BreakerDeps & { judge: Judge },
): Pick<LookDeps, "aitubo" | "breaker" | "judge" | "links"> | undefined {
  const { AITUBO_API_KEY: apiKey, PUBLIC_URL: publicUrl, AITUBO_MODEL_ID: modelId } = settings;
  if (providerOf(settings).provider === "local" || !apiKey || !publicUrl) return undefined;
  const options = {
    baseUrl: settings.AITUBO_URL,
    apiKey,
    timeoutMs: TIMEOUT_MS,
    // A stand-in makes its results on this machine.
    allowPrivate: settings.NODE_ENV !== "production" && isLoopback(settings.AITUBO_URL),
    ...(modelId === undefined ? {} : { modelId }),
  };
  return {
    aitubo: createAitubo(options, { now: deps.now }),
    breaker: new Breaker({}, deps),
    judge: deps.judge,
    links: { secret: settings.MEDIA_SECRET, publicUrl },
  };
}
