/**
 * Transactions a second that the devchain accepts over HTTP, every script run and each on disk before its answer. Floor:
 * signing and bare interpretation by the SDK, in one process, of the same transactions. One machine does all of it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromHex, toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import {
  FINAL_SEQUENCE,
  type PlainTx,
  preimages,
  rawTxBytes,
  txidOf,
} from "@meme-rounds/shared-schema/sighash";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { z } from "zod";
import { createDigestSigner } from "../../../server/src/infra/ecdsa.ts";
import { runScripts } from "../../../server/standins/devchain/scripts.ts";
import { readTx } from "../../../server/standins/devchain/wire.ts";
import { startProcess } from "../../../server/test/support/processes.ts";
import { makePlayers, type Player } from "./crowd.ts";
import type { Figure } from "./measure.ts";

const PAYMENTS = 2_000;
const FLOOR_PAYMENTS = 300;
const COIN_SATS = 1_000;
const PARALLEL = 16;
/** The coins, and the fee of the transaction that makes them. */
const FUNDS_SATS = PAYMENTS * COIN_SATS + 10_000;

const sign = createDigestSigner();

interface Signed {
  tx: PlainTx;
  rawHex: string;
  txid: string;
}

/** Spends one coin of `player` to `outputs` coins of `sats` each. */
function payment(
  player: Player,
  coin: { txid: string; vout: number; sats: number },
  outputs: number,
  sats: number,
) {
  const script = p2pkhScript(player.playKey);
  const tx: PlainTx = {
    version: 1,
    inputs: [{ ...coin, script, sequence: FINAL_SEQUENCE }],
    outputs: Array.from({ length: outputs }, () => ({ sats, script })),
    locktime: 0,
  };
  const signature = signPreimage(preimages(tx)(0), player.secret, sign);
  const unlocking = p2pkhUnlock({ signature, publicKey: player.playKey });
  const raw = rawTxBytes(tx, [unlocking]);
  return { tx, rawHex: toHex(raw), txid: txidOf(raw) };
}

/** The SDK's interpreter with its own signature check. Throws when it refuses. */
function interpret({ tx, rawHex }: Signed): void {
  const spent = tx.inputs.map(({ sats, script }) => ({ sats, script: fromHex(script) }));
  const verdict = runScripts(readTx(fromHex(rawHex)), spent);
  if (!verdict.ok) throw new Error(`the interpreter refused a good payment: ${verdict.reason}`);
}

async function post(url: string, { rawHex, txid }: Signed): Promise<void> {
  const answer = await fetch(`${url}/v1/tx`, { method: "POST", body: rawHex });
  const said: unknown = await answer.json();
  const seen = z.object({ txid: z.literal(txid), txStatus: z.literal("SEEN_ON_NETWORK") }).safeParse(said);
  if (!seen.success) throw new Error(`the devchain refused a good payment: ${JSON.stringify(said)}`);
}

export async function benchDevchain(): Promise<Figure[]> {
  const [player] = makePlayers(1);
  if (!player) throw new Error("no player");
  const dataDir = await mkdtemp(join(tmpdir(), "bench-devchain-"));
  const devchain = await startProcess({
    name: "devchain",
    args: ["server/standins/devchain/main.ts"],
    env: { DEVCHAIN_PORT: "0", DATA_DIR: dataDir, DEVCHAIN_BLOCK_SECONDS: "2", NODE_ENV: "test" },
    ready: { line: /"ready":true/ },
  });
  try {
    const url = /"url":"([^"]+)"/.exec(devchain.output())?.[1] ?? "";
    const address = addressOf(player.playKey, "devchain");
    const paid = await fetch(`${url}/dev/faucet?address=${address}&sats=${FUNDS_SATS}`);
    const funds = z.object({ txid: z.string() }).parse(await paid.json());
    const split = payment(player, { txid: funds.txid, vout: 0, sats: FUNDS_SATS }, PAYMENTS, COIN_SATS);
    await post(url, split);
    const payments = Array.from({ length: PAYMENTS }, (_, vout) =>
      payment(player, { txid: split.txid, vout, sats: COIN_SATS }, 2, COIN_SATS / 2 - 20),
    );

    const queue = payments.values();
    const from = performance.now();
    const workers = Array.from({ length: PARALLEL }, async () => {
      for (const one of queue) await post(url, one);
    });
    await Promise.all(workers);
    const perSecond = (PAYMENTS * 1_000) / (performance.now() - from);

    const floorFrom = performance.now();
    for (let vout = 0; vout < FLOOR_PAYMENTS; vout++)
      interpret(payment(player, { txid: split.txid, vout, sats: COIN_SATS }, 2, COIN_SATS / 2 - 20));
    const floor = (FLOOR_PAYMENTS * 1_000) / (performance.now() - floorFrom);
    return [
      {
        name: "devchain: transactions accepted over HTTP",
        value: perSecond,
        unit: "/s",
        floor: { name: "sign and interpret alone (SDK)", value: floor },
      },
    ];
  } finally {
    await devchain.stop();
    await rm(dataDir, { recursive: true });
  }
}
