/** A devchain over HTTP and a purse of coins on it, for the chain's tests. Owns no assertion. */
import { P2PKH, PrivateKey, SatoshisPerKilobyte, Transaction } from "@bsv/sdk";
import { z } from "zod";
import { type ChainDeps, type ChainOptions, type ChainPort, createChain } from "../../src/chain/index.ts";
import { type Devchain, type DevchainOptions, startDevchain } from "../../standins/devchain/server.ts";

/** A fixed instant, so that block times do not depend on the machine. */
export const START_MS = 1_800_000_000_000;

export interface Net extends Devchain {
  port: ChainPort;
  /** Pays `sats` from the faucet to `key` and returns the paying transaction. */
  fund(key: PrivateKey, sats: number): Promise<Transaction>;
  call(path: string, init?: RequestInit): Promise<Response>;
}

/** The body of an answer, which must have the shape of `schema`. */
export const readJson = async <T>(answer: Response | Promise<Response>, schema: z.ZodType<T>): Promise<T> =>
  schema.parse(await (await answer).json());

export const keyOf = (seed: number): PrivateKey => new PrivateKey(seed);

/** `chain` names other providers than the devchain itself. */
export async function startNet(
  options: Partial<DevchainOptions> = {},
  deps: ChainDeps = {},
  chain: (url: string) => Promise<Partial<ChainOptions>> = async () => ({}),
): Promise<Net> {
  const devchain = await startDevchain({ port: 0, blockSeconds: 0, now: () => START_MS, ...options });
  const { url } = devchain;
  const providers = { network: "devchain", arcUrl: url, wocUrl: url, ...(await chain(url)) } as const;
  const port = createChain({ ...providers, timeoutMs: 5_000 }, deps);
  const call = (path: string, init?: RequestInit) => fetch(url + path, init);
  const fund = async (key: PrivateKey, sats: number): Promise<Transaction> => {
    const answer = await call(`/dev/faucet?address=${key.toAddress()}&sats=${sats}`);
    const { tx } = await readJson(answer, z.object({ tx: z.string() }));
    return Transaction.fromHex(tx);
  };
  return { ...devchain, port, call, fund };
}

export interface Spend {
  vout?: number;
  /** Satoshis to pay; the rest is change, less the fee. */
  sats?: number;
  /** Fee in satoshis instead of 100 sat/KB. */
  fee?: number;
  signer?: PrivateKey;
  lockTime?: number;
  sequence?: number;
}

/** Spends an output of `parent` that belongs to `key`, back to `key`. */
export async function spend(parent: Transaction, key: PrivateKey, how: Spend = {}): Promise<Transaction> {
  const lock = new P2PKH().lock(key.toAddress());
  const tx = new Transaction(1, [], [], how.lockTime ?? 0);
  tx.addInput({
    sourceTransaction: parent,
    sourceOutputIndex: how.vout ?? 0,
    sequence: how.sequence ?? 0xffffffff,
    unlockingScriptTemplate: new P2PKH().unlock(how.signer ?? key),
  });
  tx.addOutput({ lockingScript: lock, satoshis: how.sats ?? 1_000 });
  tx.addOutput({ lockingScript: lock, change: true });
  await tx.fee(how.fee ?? new SatoshisPerKilobyte(100));
  await tx.sign();
  return tx;
}
