/** The WhatsOnChain face of the devchain. Owns: paths, pages and error texts. Does not own: JSON shapes (woc-views.ts). */
import { P2PKH } from "@bsv/sdk";
import { z } from "zod";
import { tscProof } from "./block.ts";
import { broadcastOf, transactionsIn } from "./bodies.ts";
import type { DevChain } from "./chain.ts";
import { type Answer, BadCall, type Call, json, jsonBody, notFound, type Routes, text } from "./http.ts";
import { Refusal } from "./validate.ts";
import { scriptHashOf } from "./wire.ts";
import { headerView, statusView, txView, unspentView } from "./woc-views.ts";

const txidsBody = z.object({ txids: z.array(z.string()).max(20) });
const addressesBody = z.object({ addresses: z.array(z.string()).max(20) });
const utxosBody = z.object({
  utxos: z.array(z.object({ txid: z.string(), vout: z.number().int().min(0) })).max(20),
});
/** `/address/<a>/unspent/all`, `/script/<hash>/confirmed/history` and the like. */
const LISTS = /^\/(address|script)\/(\w+)\/(?:(confirmed|unconfirmed)\/)?(unspent(?:\/all)?|history)$/;

type Part = "all" | "confirmed" | "unconfirmed";
const isPart = (word: string | undefined): word is Part => word === "confirmed" || word === "unconfirmed";

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
  const isMined = (txid: string): boolean => state.rows.get(txid)?.mined !== undefined;

  const listed = (scriptHash: string, part: Part) =>
    state.coins
      .listedOf(scriptHash)
      .filter(({ txid }) => part === "all" || isMined(txid) === (part === "confirmed"))
      .map((coin) => unspentView(state, coin));

  const unspent = (call: Call, scriptHash: string, named: object, part: Part): Answer => {
    const from = Number(call.query.get("token") ?? 0);
    const all = listed(scriptHash, part);
    const more = all.length > from + PAGE ? { nextPageToken: String(from + PAGE) } : {};
    const result = all.slice(from, from + PAGE);
    return json(200, { ...named, script: scriptHash, result, error: "", ...more });
  };

  const historyOf = (scriptHash: string, part: Part) =>
    state.coins
      .historyOf(scriptHash)
      .filter((txid) => part === "all" || isMined(txid) === (part === "confirmed"))
      .map((txid) => ({ tx_hash: txid, height: state.rows.get(txid)?.mined?.block.height ?? 0 }));

  const ofAddresses = (call: Call, part: Part, history: boolean): Answer => {
    const body = addressesBody.safeParse(jsonBody(call));
    if (!body.success) throw new BadCall("addresses: at most 20 strings");
    return json(
      200,
      body.data.addresses.map((address) => {
        const scriptHash = scriptHashOf(addressScript(address));
        if (history) return { address, history: historyOf(scriptHash, part), error: "" };
        return { address, script: scriptHash, unspent: listed(scriptHash, part), error: "" };
      }),
    );
  };

  const spentOf = (call: Call): Answer => {
    const body = utxosBody.safeParse(jsonBody(call));
    if (!body.success) throw new BadCall("utxos: at most 20 of {txid, vout}");
    return json(
      200,
      body.data.utxos.map(({ txid, vout }) => {
        const spentIn = state.coins.get(txid, vout)?.spentBy;
        return { utxo: { txid, vout }, ...(spentIn ? { spentIn } : {}), error: "" };
      }),
    );
  };

  const broadcast = async (call: Call): Promise<Answer> => {
    const [bytes = new Uint8Array(0)] = transactionsIn(call, { face: "woc", list: false });
    try {
      const { row, outcome } = chain.submit(bytes);
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
    const [, spentVout, part = "all"] = /^(\d+)\/(?:(confirmed|unconfirmed)\/)?spent$/.exec(what) ?? [];
    if (spentVout !== undefined) {
      const by = state.coins.get(txid, Number(spentVout))?.spentBy;
      const fits = by && (part === "all" || isMined(by.txid) === (part === "confirmed"));
      return fits ? json(200, by) : notFound();
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
    const [, kind, name, before, list] = LISTS.exec(path) ?? [];
    if (name === undefined) return undefined;
    const scriptHash = kind === "script" ? name : scriptHashOf(addressScript(name));
    const part = isPart(before) ? before : "all";
    if (list === "history") return json(200, historyOf(scriptHash, part));
    return unspent(call, scriptHash, kind === "address" ? { address: name } : {}, part);
  };

  const post = (call: Call, path: string): Promise<Answer> | Answer | undefined => {
    if (broadcastOf(call)) return broadcast(call);
    const parts = /^\/addresses\/(confirmed|unconfirmed)\/(unspent|history)$/.exec(path);
    if (parts) return ofAddresses(call, isPart(parts[1]) ? parts[1] : "all", parts[2] === "history");
    if (path === "/utxos/spent") return spentOf(call);
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
