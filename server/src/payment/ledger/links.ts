/**
 * The ledger's chain of links (M5). Owns: appending to it, its first output, handing it over to another key. Does not own:
 * what a round's link says (anchor.ts), storing and sending (outbox.ts).
 *
 * One link at a time: the list in Redis must be as long as it was when the link was made, or it is made again behind what
 * came first.
 */
import { covenantScript, LEDGER_SATS } from "@meme-rounds/shared-schema/ledger";
import {
  bodyHashOf,
  type GenesisBody,
  type LedgerBody,
  type LinkBody,
  linkOutputs,
  signHandover,
} from "@meme-rounds/shared-schema/ledger-link";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type { Network } from "@meme-rounds/shared-schema/records";
import type { ChainPort } from "../../chain/index.ts";
import { releaseLease, takeLease } from "../../infra/leases.ts";
import type { Logger } from "../../infra/logger.ts";
import type { Redis } from "../../infra/redis.ts";
import type { HotWallet } from "../hot-wallet.ts";
import { SettleLater } from "../settlement/settle.ts";
import type { SigningKey } from "../settlement/sign.ts";
import { type BuiltTx, build, type Parts } from "./build.ts";
import { fund } from "./fund.ts";
import { type LedgerEntry, type LedgerView, ledgerOf, type Outbox, type Put } from "./outbox.ts";

/** The operator's keys, of every generation. */
export interface LedgerKeys {
  /** The current one, compressed, hex. */
  current(): string;
  /** Of a public key (hex). Throws CodedError KEYSTORE_KEY_MISSING. */
  forKey(publicKey: string): SigningKey;
  /** Of a P2PKH script (hex). Throws when none of the keys fits. */
  forScript(script: string): SigningKey;
}

/** Does `work`, with a place to crash before and after it. */
export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export interface LinksDeps {
  network: Network;
  redis: Redis;
  chain: Pick<ChainPort, "feeRate">;
  wallet: Pick<HotWallet, "reserve" | "release">;
  keys: LedgerKeys;
  outbox: Outbox;
  logger: Logger;
  step: Step;
}

const LEASE_MS = 30_000;
const MOVES = 5;

const linkId = (arena: string, at: number): string => `link:${arena}:${at}`;

/** Builds and pays for a transaction of these parts; the coins stay reserved for `id`. Throws FloatEmpty. */
export async function pay(
  id: string,
  parts: Pick<Parts, "outputs" | "covenant">,
  deps: Pick<LinksDeps, "chain" | "wallet" | "keys">,
): Promise<BuiltTx> {
  const { wallet, chain, keys } = deps;
  const feeSatPerKb = await chain.feeRate();
  const whole: Parts = { ...parts, feeSatPerKb, changeScript: p2pkhScript(keys.current()) };
  return await fund(wallet, id, (coins) => build(whole, coins, (script) => keys.forScript(script)));
}

interface Made {
  id: string;
  built: BuiltTx;
  entry: LedgerEntry;
}

export class Links {
  private readonly deps: LinksDeps;

  constructor(deps: LinksDeps) {
    this.deps = deps;
  }

  /** Stores the link of a round, or finds it. Throws SettleLater while another one is being made, FloatEmpty. */
  async add(body: LinkBody): Promise<LedgerView> {
    const { redis, outbox, step } = this.deps;
    const { arena, roundId } = body;
    const lease = await takeLease(redis, `ledger:${arena}`, LEASE_MS);
    if (lease === undefined) throw new SettleLater(`another link of ${arena} is being made`);
    try {
      // The lease spares work; that the list is as long as it was is what keeps links apart.
      for (let moves = MOVES; moves > 0; moves--) {
        const { length, last } = await step("tip", () => outbox.tip(arena));
        const had = await ledgerOf(redis, arena, roundId);
        if (had?.journalHash === body.journalHash) return had;
        if (last === undefined) await this.begin(arena);
        else if (last.operatorKey !== this.deps.keys.current()) await this.handOver(arena, length, last);
        else await this.append(length, last, body);
      }
    } finally {
      await releaseLease(redis, lease);
    }
    throw new SettleLater(`the ledger of ${arena} moves too fast`);
  }

  /** Ids to send, a link behind those before it: whoever stored one of them may have died before sending it. */
  async unsentTo(arena: string, at: number): Promise<string[]> {
    const ids = [linkId(arena, at)];
    for (let before = at - 1; before >= 0; before--) {
      if (await this.deps.outbox.isOut(linkId(arena, before))) break;
      ids.unshift(linkId(arena, before));
    }
    return ids;
  }

  /** ms since when the oldest link of the arena waits to be seen; infinity when all are out. */
  async waitingSince(arena: string): Promise<number> {
    const { outbox } = this.deps;
    const { length } = await outbox.tip(arena);
    if (length === 0) return Number.POSITIVE_INFINITY;
    const times = await Promise.all(
      (await this.unsentTo(arena, length - 1)).map((id) => outbox.waitingSince(id)),
    );
    return Math.min(...times);
  }

  private async append(length: number, last: LedgerEntry, body: LinkBody): Promise<void> {
    const { arena, roundId, journalHash } = body;
    const made = await this.next(arena, length, last, body);
    const journal = body.outcome === "closed" ? { journalTxid: body.journalTxid } : {};
    const entry = { ...made.entry, kind: "link", roundId, journalHash, ...journal } as const;
    await this.put(arena, length, [{ ...made, entry }], roundId);
  }

  /** The transaction that spends the tip into the next output. */
  private async next(arena: string, at: number, last: LedgerEntry, body: LedgerBody) {
    const { operatorKey, seq, bodyHash, txid } = last;
    const id = linkId(arena, at);
    const script = covenantScript({ seq, bodyHash }, operatorKey);
    const covenant = { txid, sats: LEDGER_SATS, script, key: this.deps.keys.forKey(operatorKey) };
    const outputs = linkOutputs(seq + 1, body, operatorKey);
    const built = await this.deps.step(`fund ${id}`, () => pay(id, { covenant, outputs }, this.deps));
    return { id, built, entry: { seq: seq + 1, txid: built.txid, bodyHash: bodyHashOf(body), operatorKey } };
  }

  private async genesis(id: string, body: GenesisBody): Promise<Made> {
    const operatorKey = this.deps.keys.current();
    const outputs = linkOutputs(0, body, operatorKey);
    const built = await this.deps.step(`fund ${id}`, () => pay(id, { outputs }, this.deps));
    const { txid } = built;
    return { id, built, entry: { kind: "genesis", seq: 0, txid, bodyHash: bodyHashOf(body), operatorKey } };
  }

  /** The arena's first output. */
  private async begin(arena: string): Promise<void> {
    const first = await this.genesis(linkId(arena, 0), { arena, genesis: this.deps.network });
    await this.put(arena, 0, [first]);
  }

  /** The old key's last link names the new key's first output, signed by both. */
  private async handOver(arena: string, length: number, last: LedgerEntry): Promise<void> {
    const { keys, network, logger } = this.deps;
    const previous = `${last.txid}:0`;
    const first = await this.genesis(linkId(arena, length + 1), { arena, genesis: network, previous });
    const secrets = {
      old: keys.forKey(last.operatorKey).secret,
      new: keys.forKey(keys.current()).secret,
    };
    const body = signHandover(previous, `${first.built.txid}:0`, secrets);
    const made = await this.next(arena, length, last, body);
    await this.put(arena, length, [{ ...made, entry: { ...made.entry, kind: "handover" } }, first]);
    logger.info({ arena, from: last.operatorKey, to: keys.current() }, "the ledger was handed over");
  }

  /** Stores and sends; when the list has grown meanwhile nothing is stored, and the caller looks again. */
  private async put(arena: string, length: number, made: readonly Made[], roundId?: string): Promise<void> {
    const { outbox, step } = this.deps;
    const put: Put = {
      txs: made.map(({ id, built }) => ({ id, built })),
      ledger: { arena, length, entries: made.map(({ entry }) => entry) },
      ...(roundId === undefined ? {} : { cost: { roundId, kind: "link" } }),
    };
    if ((await step("put link", () => outbox.put(put))) !== "stored") return;
    for (const { id } of made) await step(`send ${id}`, () => outbox.send(id));
  }
}
