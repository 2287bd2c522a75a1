/** What a transaction is apart from its signatures (M3, M4). Owns: one digest of what it spends and what it pays. */
import { hashJson } from "@meme-rounds/shared-schema/hash";

export interface Shape {
  inputs: readonly { txid: string; vout: number }[];
  outputs: readonly { sats: number; script: string }[];
}

/** The same for a planned and for a signed transaction made of it, whoever changed its unlocking scripts on the way. */
export const shapeOf = ({ inputs, outputs }: Shape): string =>
  hashJson([inputs.map(({ txid, vout }) => [txid, vout]), outputs.map(({ sats, script }) => [sats, script])]);
