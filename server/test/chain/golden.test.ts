/**
 * Answers as the providers document them, literally, and what the port makes of each: golden/*.json says which paths are
 * asked, what they answer, and what comes out. Runs over HTTP against a server that knows only those answers. They come
 * from the sources that each file names, not from a recording of a live provider; the merkle path is a real one.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type ChainPort, createChain } from "../../src/chain/index.ts";
import { startProxy } from "./proxy.ts";

const text = z.string();
const goldenFile = z.object({
  source: text,
  cases: z.array(
    z.object({
      name: text,
      call: z.enum([
        "broadcast",
        "status",
        "proof",
        "feeRate",
        "utxosOfAddress",
        "historyOfAddress",
        "spentBy",
        "rawTx",
        "tip",
        "isRootAt",
      ]),
      args: z.array(z.json()),
      dialect: z.literal("arcade").optional(),
      /** By method and path. */
      answers: z.record(text, z.object({ status: z.number(), type: text, body: z.json() })),
      expect: z.json(),
    }),
  ),
});
type Case = z.output<typeof goldenFile>["cases"][number];

const broadcastArgs = z.tuple([z.object({ rawHex: text }), z.object({ witnesses: z.literal(1) })]);

function call(port: ChainPort, { call: name, args }: Case): Promise<unknown> {
  switch (name) {
    case "broadcast":
      return port.broadcast(...broadcastArgs.parse(args));
    case "feeRate":
    case "tip":
      return port[name]();
    case "spentBy":
    case "isRootAt":
      return port[name](...z.tuple([text, z.number()]).parse(args));
    default:
      return port[name](text.parse(args[0]));
  }
}

/** The words of a refusal are for people and not compared; undefined is null in a golden file. */
function comparable(result: unknown): unknown {
  if (typeof result !== "object" || result === null || !("reason" in result)) return result ?? null;
  const { reason: _, ...rest } = result;
  return rest;
}

async function run(one: Case): Promise<{ result: unknown; unasked: string[] }> {
  const asked = new Set<string>();
  const provider = await startProxy(undefined, {
    before: ({ method, path }) => {
      const key = `${method} ${path}`;
      const answer = one.answers[key];
      asked.add(key);
      if (!answer) return { status: 599, body: `no golden answer to ${key}` };
      const { status, type, body } = answer;
      return { status, type, body: typeof body === "string" ? body : JSON.stringify(body) };
    },
  });
  try {
    const { url } = provider;
    const port = createChain(
      { network: "main", arcUrl: url, arcDialect: one.dialect ?? "arc", wocUrl: url, timeoutMs: 5_000 },
      { sleep: async () => undefined },
    );
    const result = await call(port, one).catch((error: unknown) => {
      if (error instanceof Error && "code" in error) return { error: error.code };
      throw error;
    });
    const first = Object.keys(one.answers).slice(0, 1);
    return { result, unasked: first.filter((key) => !asked.has(key)) };
  } finally {
    await provider.close();
  }
}

for (const name of ["arc", "arcade", "woc"]) {
  const path = new URL(`golden/${name}.json`, import.meta.url);
  const golden = goldenFile.parse(JSON.parse(readFileSync(path, "utf8")));
  describe(`golden answers: ${name}`, () => {
    for (const one of golden.cases) {
      it(`M3: ${one.call}: ${one.name}`, async () => {
        const { result, unasked } = await run(one);
        assert.deepEqual(comparable(result), one.expect);
        assert.deepEqual(unasked, []);
      });
    }
  });
}
