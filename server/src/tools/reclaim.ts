/**
 * `npm run reclaim`: takes deposits back after their deadline, alone (M9). Needs a backup file and a chain API, no server
 * of ours. Owns: the order of steps, words and exit codes. Does not own: the refund's bytes (shared-schema/refund.ts).
 */
import { writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { readAddress } from "@meme-rounds/shared-schema/address";
import { CodedError } from "@meme-rounds/shared-schema/errors";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { networkSchema } from "@meme-rounds/shared-schema/records";
import {
  buildRefund,
  clampRate,
  type EscrowCoin,
  escrowCoinOf,
  isOpen,
  type KeptDeposit,
  type Refund,
  spendingOf,
} from "@meme-rounds/shared-schema/refund";
import type { ArcClient } from "../chain/arc-client.ts";
import type { HttpDeps } from "../chain/http-client.ts";
import type { WocClient } from "../chain/woc-client.ts";
import { askHidden } from "./ask.ts";
import { type AskPassphrase, type Backup, readBackup } from "./backup.ts";
import { arcOf, EXIT, ToolError, wocOf } from "./tool.ts";

const USAGE = `npm run reclaim -- <backup.json> [options]

  Takes back deposits that no round has settled, once their deadline has passed. Running it twice does no harm.

  A sealed backup asks for its passphrase, or takes it from BACKUP_PASSPHRASE in the environment.

  --to ADDRESS     where the coins go; your own play address by default
  --network NAME   devchain, test or main; must be the backup's
  --woc URL        the chain API (WhatsOnChain or one that speaks like it)
  --arc URL        also ask this ARC for the fee rate, and send through it

  Exit code: 0 all that could be taken back is on its way, or there is nothing to take back; 1 something has to be
  put right first; 2 too early for at least one deposit; 3 the network gave no clear answer, try again.`;

const DEFAULT_RATE = 100;
/** Blocks carry times of up to so much in the future or past; the rule looks at the median of 11, s. */
const MTP_LAG_S = 3_600;

export interface ReclaimDeps extends Partial<HttpDeps> {
  say(line: string): void;
  /** ms. */
  clock(): number;
  passphrase: AskPassphrase;
}

interface Job {
  backup: Backup;
  /** Locking script the coins go to, hex. */
  toScript: string;
  /** Where the refunds' bytes are written. */
  folder: string;
  name: string;
  woc: WocClient;
  arc: ArcClient | undefined;
  satPerKb: number;
  /** unix s. */
  mtp: number;
}

type Verdict = (typeof EXIT)[keyof typeof EXIT];

/** "3 h 20 min". */
function lasting(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24];
  return [days && `${days} d`, hours && `${hours} h`, minutes % 60 && `${minutes % 60} min`]
    .filter(Boolean)
    .join(" ");
}

const local = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
const utc = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** What the chain says of an escrow. */
async function standing(
  coin: EscrowCoin,
  woc: WocClient,
): Promise<
  { kind: "unspent" | "absent" | "unlisted" } | { kind: "spent"; by: string; how: string | undefined }
> {
  const found = await woc.utxosOfScript(coin.script);
  if (found.some(({ txid, vout }) => txid === coin.txid && vout === coin.vout)) return { kind: "unspent" };
  const by = await woc.spentBy(coin.txid, coin.vout);
  if (by !== undefined) {
    const spender = await woc.rawTx(by);
    return { kind: "spent", by, how: spender === undefined ? undefined : spendingOf(coin, spender) };
  }
  return { kind: (await woc.rawTx(coin.txid)) === undefined ? "absent" : "unlisted" };
}

async function send(job: Job, refund: Refund): Promise<{ verdict: Verdict; words: string }> {
  const { txid, rawHex, efHex } = refund;
  const results = job.arc === undefined ? [] : [await job.arc.broadcast(txid, Buffer.from(efHex, "hex"))];
  if (results[0]?.outcome !== "seen") results.push(await job.woc.broadcast(txid, rawHex));
  if (results.some(({ outcome }) => outcome === "seen"))
    return {
      verdict: EXIT.done,
      words: `Sent: ${refund.sats} sat are on their way to you, ${refund.fee} sat went to the miners.`,
    };
  const last = results.at(-1);
  if (last?.outcome === "conflict")
    return {
      verdict: EXIT.unclear,
      words: "Another transaction spends this deposit at this moment. Run this again in a few minutes.",
    };
  if (last?.outcome === "rejected" && last.code === "NON_FINAL")
    return {
      verdict: EXIT.early,
      words: "The network says it is too early still: its clock lags by up to an hour. Run this again later.",
    };
  if (last?.outcome === "rejected")
    return {
      verdict: EXIT.unclear,
      words: `The network refused the refund: ${last.reason}. The file beside your backup holds it.`,
    };
  return {
    verdict: EXIT.unclear,
    words: "The network gave no clear answer. Run this again: it sends the same transaction.",
  };
}

async function reclaimOne(job: Job, deposit: KeptDeposit, deps: ReclaimDeps): Promise<Verdict> {
  const say = (line: string) => deps.say(`  ${line}`);
  deps.say(`Round ${deposit.roundId}, deposit ${deposit.txid}`);
  const coin = escrowCoinOf(deposit);
  if (typeof coin === "string") {
    say(`This deposit cannot be used: ${coin}.`);
    return EXIT.wrong;
  }
  const now = await standing(coin, job.woc);
  if (now.kind === "spent") {
    if (now.how === "settled")
      say(`It was settled in ${now.by}: nothing to reclaim. Your payout is at your play address.`);
    else if (now.how === "refunded") say(`It was taken back already, in ${now.by}: nothing to reclaim.`);
    else say(`It was spent in ${now.by}, in a way this program does not know: nothing to reclaim.`);
    return EXIT.done;
  }
  if (now.kind === "absent") {
    say("The chain does not know this deposit: it never arrived, and its coins are still in your wallet.");
    return EXIT.done;
  }
  if (now.kind === "unlisted") {
    say(
      "The chain API knows the deposit but lists it neither as spent nor as unspent. Try again in a few minutes.",
    );
    return EXIT.unclear;
  }
  if (!isOpen(coin, job.mtp)) {
    const seconds = deps.clock() / 1000;
    const wait = coin.deadline - seconds;
    say(`${coin.sats} sat, unspent. The refund opens at ${local(coin.deadline)} (${utc(coin.deadline)}).`);
    say(
      wait > 0
        ? `That is in ${lasting(wait)}; the chain's own clock is up to ${lasting(MTP_LAG_S)} behind. Nothing was sent.`
        : `That has passed, but the chain's own clock stands at ${utc(job.mtp)}. Try again in ${lasting(coin.deadline - job.mtp)}. Nothing was sent.`,
    );
    return EXIT.early;
  }
  const { secret, playKey } = job.backup;
  const refund = buildRefund(coin, playKey, { secret, toScript: job.toScript, satPerKb: job.satPerKb });
  if (refund === undefined) {
    say(`It holds ${coin.sats} sat, less than the network's fee: not worth taking back.`);
    return EXIT.done;
  }
  const file = join(job.folder, `${job.name}.refund-${coin.txid.slice(0, 16)}.hex`);
  await writeFile(file, `${refund.rawHex}\n`, { mode: 0o600 }).catch((cause: unknown) => {
    throw new ToolError(`The refund cannot be written to ${file}, so it was not sent: ${String(cause)}`);
  });
  say(`Refund ${refund.txid}, also in ${file}`);
  const { verdict, words } = await send(job, refund);
  say(words);
  return verdict;
}

async function feeRate(arc: ArcClient | undefined): Promise<number> {
  if (arc === undefined) return DEFAULT_RATE;
  // The rate is only a courtesy of ARC's: WhatsOnChain alone would do.
  return clampRate(await arc.policyFee().catch(() => DEFAULT_RATE));
}

function flagsOf(args: string[]) {
  try {
    const text = { type: "string" } as const;
    return parseArgs({
      args,
      allowPositionals: true,
      options: { to: text, network: text, woc: text, arc: text, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

async function jobOf(args: string[], deps: ReclaimDeps): Promise<Job> {
  const { values, positionals } = flagsOf(args);
  const [path, ...more] = positionals;
  if (values.help || path === undefined || more.length > 0) throw new ToolError(USAGE);
  const wanted = values.network === undefined ? undefined : networkSchema.safeParse(values.network);
  if (wanted?.success === false)
    throw new ToolError(`--network ${values.network}: there is devchain, test and main.`);
  const backup = await readBackup(path, deps.passphrase);
  const { network, playKey } = backup;
  if (wanted !== undefined && wanted.data !== network)
    throw new ToolError(`The backup is of the network ${network}, not ${wanted.data}. Nothing was sent.`);
  if (backup.deposits.length === 0) throw new ToolError(`${path} holds no deposits: nothing to reclaim.`);
  const to = values.to === undefined ? undefined : readAddress(values.to, network);
  if (to?.ok === false) throw new ToolError(`--to ${values.to}: ${to.reason}. Nothing was sent.`);
  const { client: woc } = wocOf({ network, woc: values.woc }, deps);
  const arc = arcOf(values.arc, deps);
  const { mtp } = await woc.tip();
  return {
    backup,
    toScript: to?.script ?? p2pkhScript(playKey),
    folder: dirname(path),
    name: basename(path, ".json"),
    woc,
    arc,
    satPerKb: await feeRate(arc),
    mtp,
  };
}

/** Runs the command and returns its exit code (see USAGE), after saying what was done or has to be done. */
export async function runReclaim(args: string[], deps: ReclaimDeps): Promise<number> {
  try {
    const job = await jobOf(args, deps);
    let worst: Verdict = EXIT.done;
    for (const deposit of job.backup.deposits) {
      const verdict = await reclaimOne(job, deposit, deps);
      if (verdict > worst) worst = verdict;
    }
    return worst;
  } catch (error) {
    if (error instanceof ToolError) {
      deps.say(error.message);
      return EXIT.wrong;
    }
    if (error instanceof CodedError) {
      deps.say(
        `${error.message}. Nothing more was sent; name another chain API with --woc, or try again later.`,
      );
      return EXIT.unclear;
    }
    throw error;
  }
}

if (import.meta.main)
  process.exitCode = await runReclaim(process.argv.slice(2), {
    say: console.log,
    clock: Date.now,
    passphrase: async () => process.env.BACKUP_PASSPHRASE ?? (await askHidden("Passphrase of the backup: ")),
  });
