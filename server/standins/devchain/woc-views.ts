/** How WhatsOnChain describes transactions, coins and blocks. Owns: those JSON shapes. Does not own: paths. */
import { Script, Utils } from "@bsv/sdk";
import { BITS_HEX, type Block } from "./block.ts";
import type { Coin } from "./coins.ts";
import type { ChainState, Row } from "./state.ts";

const SATS_PER_COIN = 1e8;

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const asmOf = (bytes: Uint8Array): string => Script.fromBinary([...bytes]).toASM();

/** The hash160 of a pay-to-public-key-hash script, or undefined for any other. */
function pkhOf(script: Uint8Array): Uint8Array | undefined {
  const hex = hexOf(script);
  return /^76a914[0-9a-f]{40}88ac$/.test(hex) ? script.subarray(3, 23) : undefined;
}

export function headerView(state: ChainState, block: Block) {
  return {
    hash: block.hash,
    confirmations: state.height - block.height + 1,
    height: block.height,
    version: 1,
    versionHex: "00000001",
    merkleroot: block.merkleRoot,
    time: block.time,
    mediantime: state.medianTimePast(block.height),
    nonce: 0,
    bits: BITS_HEX,
    difficulty: 1,
    chainwork: "",
    previousblockhash: block.prev,
    nextblockhash: state.blocks[block.height + 1]?.hash ?? "",
    num_tx: block.txids.length,
  };
}

export function unspentView(state: ChainState, coin: Coin) {
  const mined = state.rows.get(coin.txid)?.mined;
  return {
    ...(mined ? { height: mined.block.height } : { hex: hexOf(coin.script) }),
    tx_pos: coin.vout,
    tx_hash: coin.txid,
    value: coin.sats,
    isSpentInMempoolTx: coin.spentBy !== undefined,
    status: mined ? "confirmed" : "unconfirmed",
  };
}

export function statusView(state: ChainState, txid: string) {
  const mined = state.rows.get(txid)?.mined;
  if (mined) {
    return {
      txid,
      blockhash: mined.block.hash,
      blockheight: mined.block.height,
      blocktime: mined.block.time,
      confirmations: state.height - mined.block.height + 1,
    };
  }
  return state.mempool.has(txid) ? { txid } : { txid, error: "unknown" };
}

/** `prefix` is the network's address version byte. */
export function txView(state: ChainState, { tx, mined }: Row, prefix: number) {
  const isCoinbase = mined?.index === 0;
  return {
    txid: tx.txid,
    hash: tx.txid,
    version: tx.version,
    size: tx.raw.length,
    locktime: tx.lockTime,
    vin: tx.inputs.map(({ txid, vout, script, sequence }) => ({
      coinbase: isCoinbase ? hexOf(script) : "",
      txid: isCoinbase ? "" : txid,
      vout: isCoinbase ? 0 : vout,
      scriptSig: isCoinbase ? { asm: "", hex: "" } : { asm: asmOf(script), hex: hexOf(script) },
      sequence,
    })),
    vout: tx.outputs.map(({ sats, script }, n) => {
      const pkh = pkhOf(script);
      const known = pkh
        ? { reqSigs: 1, type: "pubkeyhash", addresses: [Utils.toBase58Check([...pkh], [prefix])] }
        : { type: "nonstandard" };
      return {
        value: sats / SATS_PER_COIN,
        n,
        scriptPubKey: { asm: asmOf(script), hex: hexOf(script), ...known, isTruncated: false },
      };
    }),
    ...(mined
      ? {
          blockhash: mined.block.hash,
          confirmations: state.height - mined.block.height + 1,
          time: mined.block.time,
          blocktime: mined.block.time,
          blockheight: mined.block.height,
        }
      : {}),
  };
}
