/**
 * The dialects in which the port's contract runs, over a devchain: ARC's; Arcade's as the devchain speaks it, and as a
 * proxy does that knows nothing but Arcade; and two ARCs that both broadcast. Owns no assertion.
 */
import type { ChainOptions } from "../../src/chain/index.ts";
import { type ProxyServer, startArcade, startProxy } from "./proxy.ts";
import { type Net, startNet } from "./support.ts";

type Start = (url: string) => Promise<[Partial<ChainOptions>, ProxyServer[]]>;

const STARTS: Record<string, Start> = {
  "ARC and WhatsOnChain": async () => [{}, []],
  "Arcade and WhatsOnChain": async (url) => {
    const arcade = await startArcade(url);
    return [{ arcUrl: arcade.url, arcDialect: "arcade" }, [arcade]];
  },
  "the devchain's own Arcade": async () => [{ arcDialect: "arcade" }, []],
  "two ARCs": async (url) => {
    const [arc2, woc] = [await startProxy(url), await startProxy(url)];
    return [{ arc2Url: arc2.url, wocUrl: woc.url }, [arc2, woc]];
  },
};

export const DIALECTS = Object.keys(STARTS);

export interface DialectNet extends Net {
  /** Requests to a provider's path so far, where a proxy of ours sees them. */
  asked(path: string): number;
}

export async function startDialect(dialect: string): Promise<DialectNet> {
  let proxies: ProxyServer[] = [];
  const net = await startNet({}, { sleep: async () => undefined }, async (url) => {
    const [options, started] = (await STARTS[dialect]?.(url)) ?? [{}, []];
    proxies = started;
    return options;
  });
  return {
    ...net,
    asked: (path) => proxies.flatMap((proxy) => proxy.asked).filter((one) => one.path.endsWith(path)).length,
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await net.close();
    },
  };
}
