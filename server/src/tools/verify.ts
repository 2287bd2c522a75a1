/**
 * `npm run verify`: checks a finished round from the chain alone (M10). Owns: flags, hints, words, exit codes. Does not
 * own: the checks and what they need (shared-schema/verify-round*.ts): the page runs the same ones.
 */
import { parseArgs } from "node:util";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { signedHeadSchema } from "@meme-rounds/shared-schema/receipt";
import {
  hash32,
  type Network,
  networkSchema,
  outpointSchema,
  playKeySchema,
} from "@meme-rounds/shared-schema/records";
import { type Verdict, verifyRound } from "@meme-rounds/shared-schema/verify-round";
import { gatherRound, type RoundHints } from "@meme-rounds/shared-schema/verify-round-gather";
import type { Check, RoundEvidence } from "@meme-rounds/shared-schema/verify-round-parts";
import { createWocReader } from "@meme-rounds/shared-schema/verify-round-woc";
import { z } from "zod";
import type { HttpDeps } from "../chain/http-client.ts";
import { createVerifier } from "../infra/ecdsa.ts";
import { lastLine, linesOf } from "./picture.ts";
import { EXIT, ToolError, urlOf, wocOf } from "./tool.ts";

const USAGE = `npm run verify -- <roundId or txid of its ledger link> [options]

  Fetches the round's ledger link, journal and settlement from the chain and checks them.

  --server URL       a game server that is asked where to look; nothing it says is believed.
                     http://127.0.0.1:2567 by default
  --no-server        asks no server; then name --ledger or --operator, or give the link's txid
  --ledger OUTPOINT  where the ledger begins (txid:0): the walk starts here, and the ledger must begin here
  --operator KEY     the operator's public key: its transactions are searched for the link
  --network NAME     devchain, test or main; the server's by default
  --woc URL          the chain API (WhatsOnChain or one that speaks like it)
  --depth N          how many links are followed back, 200 by default
  --json             the checks as JSON

  Exit code: 0 all green; 1 something has to be put right first; 2 a check is red; 3 nothing is wrong, but something
  could not be checked yet, or the chain API could not be reached.`;

const DEFAULT_SERVER = "http://127.0.0.1:2567";
const SERVER_MS = 10_000;
const DEPTH = 200;

export interface VerifyDeps extends Partial<HttpDeps> {
  say(line: string): void;
  /** What is being done, for who waits; not part of the answer. */
  progress(line: string): void;
  colour: boolean;
  /** ms. */
  clock(): number;
}

const networkAnswer = z.looseObject({ network: networkSchema, wocUrl: z.string() });
/** As much of the proof as there is: it is only a hint. */
const proofHint = z.looseObject({
  link: z.looseObject({ txid: hash32 }).optional(),
  settlement: z.array(hash32).optional(),
  heads: z.array(signedHeadSchema).optional(),
  publicKeys: z
    .looseObject({ operatorKey: playKeySchema.optional(), auditorHeadKey: hash32.optional() })
    .optional(),
});
type ProofHint = z.infer<typeof proofHint>;

function flagsOf(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        server: text,
        "no-server": flag,
        ledger: text,
        operator: text,
        network: text,
        woc: text,
        depth: text,
        json: flag,
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}
type Flags = ReturnType<typeof flagsOf>["values"];

/** The server's answer to a GET below /api, or undefined when there is none of that shape. */
async function ask<T>(
  server: string,
  path: string,
  schema: z.ZodType<T>,
  deps: VerifyDeps,
): Promise<T | undefined> {
  try {
    const response = await (deps.fetch ?? fetch)(`${server}/api${path}`, {
      signal: AbortSignal.timeout(SERVER_MS),
    });
    return response.ok ? schema.safeParse(await response.json()).data : undefined;
  } catch {
    return undefined; // A server that is down is the very case this program is for.
  }
}

interface Asked {
  network: Network;
  woc: string | undefined;
  proof: ProofHint | undefined;
}

/** Where a server says to look; with `--no-server`, nothing. */
async function hintsOf(target: string, flags: Flags, deps: VerifyDeps): Promise<Asked> {
  const wanted = flags.network === undefined ? undefined : networkSchema.safeParse(flags.network);
  if (wanted?.success === false)
    throw new ToolError(`--network ${flags.network}: there is devchain, test and main.`);
  const network = wanted?.data;
  if (flags["no-server"]) return { network: network ?? "devchain", woc: flags.woc, proof: undefined };
  const server = urlOf("--server", flags.server ?? DEFAULT_SERVER);
  const chain = await ask(server, "/network", networkAnswer, deps);
  const proof = await ask(server, `/rounds/${encodeURIComponent(target)}/proof`, proofHint, deps);
  if (flags.server !== undefined && chain === undefined && proof === undefined)
    deps.progress(`${server} does not answer: looking on the chain without it`);
  return {
    network: network ?? chain?.network ?? "devchain",
    woc: flags.woc ?? (network === undefined || network === chain?.network ? chain?.wocUrl : undefined),
    proof,
  };
}

function roundHints(flags: Flags, proof: ProofHint | undefined): RoundHints {
  const ledger = flags.ledger === undefined ? undefined : outpointSchema.safeParse(flags.ledger);
  if (ledger?.success === false)
    throw new ToolError(`--ledger ${flags.ledger}: this is no outpoint. It looks like <txid>:0.`);
  const operator = flags.operator === undefined ? undefined : playKeySchema.safeParse(flags.operator);
  if (operator?.success === false)
    throw new ToolError(
      `--operator ${flags.operator}: this is no compressed public key. It has 66 characters, 02 or 03 first.`,
    );
  const operatorKey = operator?.data ?? proof?.publicKeys?.operatorKey;
  return {
    ...(proof?.link === undefined ? {} : { linkTxid: proof.link.txid }),
    ...(proof?.settlement === undefined ? {} : { settlement: proof.settlement }),
    ...(ledger === undefined ? {} : { genesis: ledger.data }),
    ...(operatorKey === undefined ? {} : { operatorKey }),
  };
}

function headsOf(proof: ProofHint | undefined): Pick<RoundEvidence, "heads"> {
  const headKey = proof?.publicKeys?.auditorHeadKey;
  return headKey === undefined || proof?.heads === undefined
    ? {}
    : { heads: { headKey, heads: proof.heads } };
}

const EXIT_OF: Record<Verdict, number> = { green: EXIT.done, red: 2, incomplete: EXIT.unclear };

async function verify(args: string[], deps: VerifyDeps): Promise<number> {
  const { values: flags, positionals } = flagsOf(args);
  const [target, ...more] = positionals;
  if (flags.help || target === undefined || more.length > 0) throw new ToolError(USAGE);
  if (!/^[0-9a-f]{64}$|^[a-z][a-z0-9]{0,31}-\d{1,12}$/.test(target))
    throw new ToolError(
      `${target}: this is neither a roundId (like main-1800000000) nor a txid.\n\n${USAGE}`,
    );
  const depth = Number(flags.depth ?? DEPTH);
  if (!Number.isInteger(depth) || depth < 0)
    throw new ToolError(`--depth ${flags.depth}: a whole number, 0 or more.`);
  const { network, woc, proof } = await hintsOf(target, flags, deps);
  const { url, http } = wocOf({ network, woc }, deps);
  const start = deps.clock();
  const evidence = await gatherRound(
    { network, target, hints: roundHints(flags, proof), depth },
    { chain: createWocReader((path) => http.read(path)), progress: deps.progress },
  );
  const fetched = deps.clock();
  if (!flags.json) deps.say(`Round ${evidence.roundId} on ${network}, read from ${url}\n`);
  const steps = verifyRound({ ...evidence, ...headsOf(proof) }, { verify: createVerifier() });
  const checks: Check[] = [];
  let step = steps.next();
  for (; !step.done; step = steps.next()) {
    checks.push(step.value);
    if (!flags.json) for (const line of linesOf(step.value, deps.colour)) deps.say(line);
  }
  const verdict = step.value;
  const seconds = { fetch: (fetched - start) / 1000, verify: (deps.clock() - fetched) / 1000 };
  if (flags.json)
    deps.say(JSON.stringify({ roundId: evidence.roundId, network, verdict, seconds, checks }, undefined, 2));
  else
    deps.say(
      `\n${lastLine(verdict, deps.colour)} Fetched in ${seconds.fetch.toFixed(1)} s, checked in ${seconds.verify.toFixed(1)} s.`,
    );
  return EXIT_OF[verdict];
}

/** Runs the command and returns its exit code (see USAGE), after saying what was found. */
export async function runVerify(args: string[], deps: VerifyDeps): Promise<number> {
  try {
    return await verify(args, deps);
  } catch (error) {
    if (error instanceof ToolError) {
      deps.say(error.message);
      return EXIT.wrong;
    }
    // The reader's own words say which call went wrong; a chain API that lies in shape is as good as none.
    if (
      error instanceof CodedError ||
      (error instanceof Error && error.message.startsWith("the chain API"))
    ) {
      deps.say(`${error.message}. Name another chain API with --woc, or try again later.`);
      return EXIT.unclear;
    }
    throw error;
  }
}

if (import.meta.main) {
  const { stdout, stderr } = process;
  process.exitCode = await runVerify(process.argv.slice(2), {
    say: console.log,
    progress: (line) => {
      if (stderr.isTTY) stderr.write(`\r\u001b[K${line}`);
    },
    colour: stdout.isTTY && process.env.NO_COLOR === undefined,
    clock: Date.now,
  });
  if (stderr.isTTY) stderr.write("\r\u001b[K");
}
