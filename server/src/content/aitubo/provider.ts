/**
 * Who makes the look of a model: AITubo, or nobody but the transformer here (C8). Owns: that decision, its reason, and
 * what /readyz and the admin page say of it. Does not own: refusing wrong settings (mixtures.ts).
 */
import { Breaker, type BreakerDeps, type BreakerState } from "./breaker.ts";

interface Settings {
  AITUBO_API_KEY?: string | undefined;
  PUBLIC_URL?: string | undefined;
}

export type Provider = { provider: "aitubo" } | { provider: "local"; reason: string };

/** `aitubo` needs its key and an address under which it finds our pictures. */
export function providerOf({ AITUBO_API_KEY, PUBLIC_URL }: Settings): Provider {
  if (AITUBO_API_KEY === undefined) return { provider: "local", reason: "AITUBO_API_KEY is not set" };
  if (PUBLIC_URL === undefined)
    return {
      provider: "local",
      reason: "PUBLIC_URL is not set: AITubo fetches pictures by https from this server",
    };
  return { provider: "aitubo" };
}

export type ModelsStatus = Provider & { breaker?: BreakerState };

/** The provider, and with AITubo its circuit breaker as the cluster sees it. */
export async function modelsStatus(settings: Settings, deps: BreakerDeps): Promise<ModelsStatus> {
  const provider = providerOf(settings);
  if (provider.provider === "local") return provider;
  return { ...provider, breaker: await new Breaker({}, deps).state() };
}
