/**
 * What the chain holds of us (M6). Owns: reading the operator's transactions once and sorting them into ledger links,
 * journal files, signed records and settlements of rounds. Does not own: putting anything back (restore.ts). Records
 * are believed only when one of the operator's keys signed them; links only in the order the covenant forces.
 */

import { addressOf } from "@meme-rounds/shared-schema/crypto";
import { parseEscrow } from "@meme-rounds/shared-schema/escrow";
import { type ReadLink, readLink } from "@meme-rounds/shared-schema/ledger-link";
import { type ChainRecord, readChainRecord } from "@meme-rounds/shared-schema/map-record-kinds";
import { readJournalScript } from "@meme-rounds/shared-schema/mrj1-file";
import type { Network } from "@meme-rounds/shared-schema/records";
import { type RawTransaction, readRawTx } from "@meme-rounds/shared-schema/tx-read";
import { traceStep } from "@meme-rounds/shared-schema/verify-round-settlement";
import type { ChainPort } from "../../chain/index.ts";

export interface FoundLink extends ReadLink {
  txid: string;
}
export interface FoundRecord {
  txid: string;
  record: ChainRecord;
}

export interface Scan {
  /** Every arena's ledger from its first output on, in order. */
  ledgers: Map<string, FoundLink[]>;
  /** Journal files by the txid that carries them. */
  files: Map<string, { roundId: string; file: Uint8Array }>;
  records: FoundRecord[];
  /** Transactions that spend a round's deposits and pay the operator something back, by entryId. */
  settlements: Map<string, RawTransaction[]>;
}

export interface ScanDeps {
  network: Network;
  chain: Pick<ChainPort, "historyOfAddress" | "rawTx">;
  /** All of the operator's public keys. */
  operatorKeys: readonly string[];
  progress(what: string): void;
}

/** Reads it all. Throws UNAVAILABLE when the chain cannot be read. */
export async function scanChain(deps: ScanDeps): Promise<Scan> {
  const { network, chain, operatorKeys, progress } = deps;
  const addresses = operatorKeys.map((key) => addressOf(key, network));
  const txids = new Set<string>();
  for (const address of addresses)
    for (const { txid } of await chain.historyOfAddress(address)) txids.add(txid);
  const scan: Scan = { ledgers: new Map(), files: new Map(), records: [], settlements: new Map() };
  const links = new Map<string, FoundLink & { parent: string }>();
  let done = 0;
  for (const txid of txids) {
    const tx = await txOf(chain, txid);
    if (++done % 50 === 0) progress(`${done} of ${txids.size} transactions read`);
    if (tx === undefined) continue;
    const link = readLink(tx.outputs);
    if (link !== undefined && operatorKeys.includes(link.operatorKey))
      links.set(txid, { ...link, txid, parent: tx.inputs[0]?.txid ?? "" });
    for (const { script } of tx.outputs) {
      const file = readJournalScript(script);
      if (file !== undefined) scan.files.set(txid, file);
      const read = readChainRecord(script, network);
      if (read !== undefined && addresses.includes(read.signer))
        scan.records.push({ txid, record: read.record });
    }
    const from = traceStep(tx);
    if (from?.kind !== "deposit") continue;
    const deposit = await txOf(chain, from.txid);
    const entryId = parseEscrow(deposit?.outputs[from.vout]?.script ?? "")?.entryId;
    if (entryId !== undefined) scan.settlements.set(entryId, [...(scan.settlements.get(entryId) ?? []), tx]);
  }
  scan.ledgers = inOrder(links);
  return scan;
}

async function txOf(chain: Pick<ChainPort, "rawTx">, txid: string): Promise<RawTransaction | undefined> {
  const raw = await chain.rawTx(txid);
  return raw === undefined ? undefined : readRawTx(raw);
}

/** Chains of links by arena: each begins with a genesis that follows on nothing, and goes on over handovers. */
function inOrder(links: ReadonlyMap<string, FoundLink & { parent: string }>): Map<string, FoundLink[]> {
  const childOf = new Map<string, FoundLink>();
  const firsts: FoundLink[] = [];
  for (const link of links.values()) {
    const { body } = link;
    if (!("genesis" in body)) childOf.set(link.parent, link);
    else if (body.previous === undefined) firsts.push(link);
  }
  const ledgers = new Map<string, FoundLink[]>();
  for (const first of firsts) {
    const chain: FoundLink[] = [];
    for (let at: FoundLink | undefined = first; at !== undefined; ) {
      chain.push(at);
      const next: FoundLink | undefined =
        "handover" in at.body ? links.get(at.body.handover.slice(0, 64)) : childOf.get(at.txid);
      at = next;
    }
    const arena = "arena" in first.body ? first.body.arena : "";
    // Two beginnings of one arena: the longer one is the ledger.
    if (chain.length > (ledgers.get(arena)?.length ?? 0)) ledgers.set(arena, chain);
  }
  return ledgers;
}
