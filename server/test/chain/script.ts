/** A port over scripted providers and a clock that only moves when told, for the chain's tests. Owns no assertion. */
import { type ChainOptions, createChain } from "../../src/chain/index.ts";

/** A whole transaction with nothing in it, and its txid: double SHA-256, as shown. */
export const RAW = "01000000000000000000";
export const TXID = "d21633ba23f70118185227be58a63527675641ad37967e2aa461559f577aec43";

type Answers = (asked: { url: string; nth: number }) => { status?: number; body: unknown } | undefined;

/** A port whose providers answer by URL; says what was asked, and for how long it slept. */
export function scripted(answers: Answers, options: Partial<ChainOptions> = {}) {
  const asked: string[] = [];
  const headers: Headers[] = [];
  const slept: number[] = [];
  const clock = { ms: 1_000_000 };
  const port = createChain(
    { network: "devchain", arcUrl: "http://arc", wocUrl: "http://woc", timeoutMs: 1_000, ...options },
    {
      now: () => clock.ms,
      sleep: async (ms) => {
        slept.push(ms);
        clock.ms += ms;
      },
      fetch: async (input, init) => {
        const url = String(input);
        asked.push(url);
        headers.push(new Headers(init?.headers));
        const said = answers({ url, nth: asked.filter((one) => one === url).length });
        if (!said) throw new Error("ECONNREFUSED");
        const body = typeof said.body === "string" ? said.body : JSON.stringify(said.body);
        return new Response(body, { status: said.status ?? 200 });
      },
    },
  );
  return { port, asked, headers, slept, clock };
}

export const arcSays = (txStatus: string, more: object = {}) => ({ body: { txStatus, ...more } });
export const isArc = (url: string): boolean => url.startsWith("http://arc/");
