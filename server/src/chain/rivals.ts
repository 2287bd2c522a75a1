/**
 * Who else spends a transaction's coins. Owns: finding the rivals' names, and whether one of them is in a block. Does not
 * own: what a rival means for a deposit or a settlement. A provider's word for a conflict may stay for ever after it is
 * over, and a coin that a block has spent looks to a node like a parent it does not know: so the outpoints are asked.
 */
import { fromHex } from "@meme-rounds/shared-schema/bytes";
import type { ChainLogger, MinedRival } from "./port.ts";
import { Reader, type ReadInput, readOne } from "./tx-reader.ts";
import type { WocClient } from "./woc-client.ts";

/** No more outpoints, and no more rivals, are looked at in one go: the requests are few. */
const MAX_ASKED = 20;

export interface Standing {
  /** txids, our own not among them. */
  competing: string[];
  lostTo?: MinedRival;
  /** It is itself in a block: no rival counts any more. */
  mined: boolean;
}

const outpointOf = ({ txid, vout }: Pick<ReadInput, "txid" | "vout">): string => `${txid}:${vout}`;

type Asked = Pick<WocClient, "spentBy" | "statuses" | "rawTx">;

/** Never throws: what cannot be asked stays as it was named, and is logged. */
export function createRivals({ woc, logger }: { woc: Asked; logger?: ChainLogger }) {
  /** The first outpoints' spenders, by outpoint; our own is not among them. */
  const spenders = async (own: string, inputs: readonly ReadInput[]): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for (const input of inputs.slice(0, MAX_ASKED)) {
      const by = await woc.spentBy(input.txid, input.vout);
      if (by !== undefined && by !== own) found.set(outpointOf(input), by);
    }
    return found;
  };

  /** The outpoint that a rival really takes from us: what it is named for may be wrong. */
  const takenBy = async (rival: string, inputs: readonly ReadInput[]): Promise<string | undefined> => {
    const raw = await woc.rawTx(rival);
    if (raw === undefined) return undefined;
    const theirs = new Set(readOne(new Reader(Buffer.from(fromHex(raw)))).inputs.map(outpointOf));
    return inputs.map(outpointOf).find((outpoint) => theirs.has(outpoint));
  };

  const look = async (own: string, inputs: readonly ReadInput[], named: readonly string[]) => {
    const spent = named.length > 0 ? new Map<string, string>() : await spenders(own, inputs);
    const competing = [...new Set([...named, ...spent.values()])];
    const statuses = await woc.statuses([own, ...competing.slice(0, MAX_ASKED)]);
    const isMined = (txid: string): boolean => statuses.get(txid)?.state === "mined";
    if (isMined(own)) return { competing: [], mined: true };
    for (const rival of competing.filter(isMined)) {
      const outpoint = [...spent].find(([, by]) => by === rival)?.[0] ?? (await takenBy(rival, inputs));
      if (outpoint !== undefined) return { competing, mined: false, lostTo: { txid: rival, outpoint } };
    }
    return { competing, mined: false };
  };

  return async (own: string, inputs: readonly ReadInput[], named: readonly string[]): Promise<Standing> => {
    try {
      return await look(own, inputs, named);
    } catch (err) {
      logger?.warn({ err, txid: own }, "the rivals of a transaction could not be asked about");
      return { competing: [...named], mined: false };
    }
  };
}
