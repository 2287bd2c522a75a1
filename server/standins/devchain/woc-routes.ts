/** The WhatsOnChain face of the devchain. Owns: paths, pages and error texts. Does not own: JSON shapes (woc-views.ts). */
import { P2PKH } from "@bsv/sdk";
import { z } from "zod";
import { tscProof } from "./block.ts";
import type { DevChain } from "./chain.ts";
import {
  type Answer,
  BadCall,
  type Call,
  hexBytes,
  json,
  jsonBody,
  notFound,
  type Routes,
  text,
} from "./http.ts";
import { Refusal } from "./validate.ts";
import { scriptHashOf } from "./wire.ts";
import { headerView, statusView, txView, unspentView } from "./woc-views.ts";

const txhexBody = z.object({ txhex: z.string() });
const txidsBody = z.object({ txids: z.array(z.string()).max(20) });
const PAGE = 1000;
const USD_PER_COIN = 26;
const MAIN_PREFIX = 0x00;
const TEST_PREFIX = 0x6f;

/** The locking script of an address. Throws BadCall when it is none. */
export function addressScript(address: string): Uint8Array {
  try {
    return Uint8Array.from(new P2PKH().lock(address).toBinary());
  } catch (error) {
    throw new BadCall(`not an address: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const nodeError = (message: string): Answer => text(400, `unexpected response code 500: ${message}`);

/** The answer to an accepted transaction waits until it is on disk (`durable`). */
export function wocRoutes(chain: DevChain, durable: () => Promise<void>): Routes {
  const { state } = chain;

  const unspent = (call: Call, scriptHash: string, named: object): Answer => {
    const from = Number(call.query.get("token") ?? 0);
    const all = state.coins.listedOf(scriptHash);
    const result = all.slice(from, from + PAGE).map((coin) => unspentView(state, coin));
    const more = all.length > from + PAGE ? { nextPageToken: String(from + PAGE) } : {};
    return json(200, { ...named, script: scriptHash, result, error: "", ...more });
  };

  const history = (scriptHash: string): Answer =>
    json(
      200,
      state.coins.historyOf(scriptHash).map((txid) => ({
        tx_hash: txid,
        height: state.rows.get(txid)?.mined?.block.height ?? 0,
      })),
    );

  const broadcast = async (call: Call): Promise<Answer> => {
    const body = txhexBody.safeParse(jsonBody(call));
    if (!body.success) throw new BadCall("txhex is missing");
    try {
      const { row, outcome } = chain.submit(hexBytes(body.data.txhex));
      if (outcome === "known") {
        const where = row.mined ? "blockchain" : "mempool";
        return nodeError(`Transaction already in the ${where}`);
      }
      if (outcome === "conflict") return nodeError("258: txn-mempool-conflict");
      if (outcome === "orphan") return nodeError("Missing inputs");
      await durable();
      return text(200, JSON.stringify(row.tx.txid));
    } catch (error) {
      if (error instanceof Refusal) return nodeError(error.nodeMessage);
      throw error;
    }
  };

  const ofTx = (txid: string, what: string, prefix: number): Answer | undefined => {
    const row = state.rows.get(txid);
    const known = row && (row.mined || state.mempool.has(txid)) ? row : undefined;
    if (what === "proof/tsc") {
      return json(200, known?.mined ? tscProof(known.mined.block, known.mined.index) : null);
    }
    if (!known) return notFound();
    if (what === "view") return json(200, txView(state, known, prefix));
    if (what === "hex") return text(200, Buffer.from(known.tx.raw).toString("hex"));
    if (what === "bin") return { status: 200, type: "application/octet-stream", body: known.tx.raw };
    const spentVout = /^(\d+)\/spent$/.exec(what)?.[1];
    if (spentVout !== undefined) {
      const by = state.coins.get(txid, Number(spentVout))?.spentBy;
      return by ? json(200, by) : notFound();
    }
    const outVout = /^out\/(\d+)\/hex$/.exec(what)?.[1];
    const output = outVout === undefined ? undefined : known.tx.outputs[Number(outVout)];
    return output ? text(200, Buffer.from(output.script).toString("hex")) : notFound();
  };

  const get = (call: Call, path: string, prefix: number): Answer | undefined => {
    if (path === "/woc") return text(200, "Whats On Chain");
    if (path === "/chain/info") {
      return json(200, {
        chain: prefix === TEST_PREFIX ? "test" : "main",
        blocks: state.height,
        headers: state.height,
        bestblockhash: state.blocks.at(-1)?.hash,
        difficulty: 1,
        mediantime: state.medianTimePast(),
        verificationprogress: 1,
        pruned: false,
        chainwork: "",
      });
    }
    if (path === "/exchangerate") {
      return json(200, { currency: "USD", rate: USD_PER_COIN, time: Math.floor(chain.now() / 1000) });
    }
    if (path === "/block/headers") {
      return json(
        200,
        state.blocks
          .slice(-10)
          .reverse()
          .map((block) => headerView(state, block)),
      );
    }
    const blockName = /^\/block\/([0-9a-f]+)\/header$/.exec(path)?.[1];
    if (blockName !== undefined) {
      const block =
        blockName.length === 64
          ? state.blocks.find(({ hash }) => hash === blockName)
          : state.blocks[+blockName];
      return block ? json(200, headerView(state, block)) : notFound();
    }
    const tx = /^\/tx\/(hash\/)?([0-9a-f]{64})(?:\/(.+))?$/.exec(path);
    if (tx?.[2] !== undefined) return ofTx(tx[2], tx[1] ? "view" : (tx[3] ?? "view"), prefix);
    const [, kind, name, list] = /^\/(address|script)\/(\w+)\/(unspent\/all|history)$/.exec(path) ?? [];
    if (name === undefined) return undefined;
    const scriptHash = kind === "script" ? name : scriptHashOf(addressScript(name));
    if (list === "history") return history(scriptHash);
    return unspent(call, scriptHash, kind === "address" ? { address: name } : {});
  };

  const post = (call: Call, path: string): Promise<Answer> | Answer | undefined => {
    if (path === "/tx/raw") return broadcast(call);
    if (path !== "/txs/status") return undefined;
    const body = txidsBody.safeParse(jsonBody(call));
    if (!body.success) throw new BadCall("txids: at most 20 strings");
    return json(
      200,
      body.data.txids.map((txid) => statusView(state, txid)),
    );
  };

  return (call) => {
    const [, network, path] = /^\/v1\/bsv\/(main|test)(\/.*)$/.exec(call.path) ?? [];
    if (path === undefined) return undefined;
    if (call.method === "POST") return post(call, path);
    return get(call, path, network === "test" ? TEST_PREFIX : MAIN_PREFIX);
  };
}
