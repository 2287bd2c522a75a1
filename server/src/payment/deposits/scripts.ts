/**
 * The scripts of what a deposit spends (M1). Owns: which of strangers' scripts are run at all, and running them.
 * Does not own: the escrow it pays to (index.ts), coins (sources.ts).
 *
 * A script costs its author a miner's fee and us whatever it asks for: OP_NUM2BIN alone takes gigabytes before the
 * interpreter counts them, and thousands of signature checks hold up a round. So only what ordinary outputs are made of
 * is run, and not much of it; the coins of other scripts can be sent to an ordinary address first.
 */
import { LockingScript, OP, type Script, Transaction } from "@bsv/sdk";
import { type Refusal, refuse } from "@meme-rounds/shared-schema/errors";
import { verifyInputScripts } from "../../chain/index.ts";
import type { ReadOutput, ReadTransaction } from "../transaction.ts";

/** Of an output that is spent. */
const MAX_SCRIPT_BYTES = 10_000;
/** Opcodes of an input's two scripts, pushes not counted. */
const MAX_OPCODES = 100;
/** Signature checks of the whole transaction. */
const MAX_SIGNATURES = 200;
/** OP_CHECKMULTISIG tries at most so many keys where nothing says how many. */
const MULTISIG_KEYS = 20;

/** P2PKH, P2PK, several keys, a hash that is opened, a branch between such. */
const ORDINARY: ReadonlySet<number> = new Set([
  OP.OP_NOP,
  OP.OP_IF,
  OP.OP_NOTIF,
  OP.OP_ELSE,
  OP.OP_ENDIF,
  OP.OP_VERIFY,
  OP.OP_DROP,
  OP.OP_2DROP,
  OP.OP_DUP,
  OP.OP_SWAP,
  OP.OP_SIZE,
  OP.OP_EQUAL,
  OP.OP_EQUALVERIFY,
  OP.OP_RIPEMD160,
  OP.OP_SHA1,
  OP.OP_SHA256,
  OP.OP_HASH160,
  OP.OP_HASH256,
  OP.OP_CHECKSIG,
  OP.OP_CHECKSIGVERIFY,
  OP.OP_CHECKMULTISIG,
  OP.OP_CHECKMULTISIGVERIFY,
]);
const ONE_KEY: ReadonlySet<number> = new Set([OP.OP_CHECKSIG, OP.OP_CHECKSIGVERIFY]);
const MANY_KEYS: ReadonlySet<number> = new Set([OP.OP_CHECKMULTISIG, OP.OP_CHECKMULTISIGVERIFY]);

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(OP).map(([name, op]) => [op, name]));

const isPush = (op: number): boolean => op <= OP.OP_16 && op !== OP.OP_RESERVED;

interface Cost {
  opcodes: number;
  signatures: number;
}

/** What running these takes at most; the name of the first opcode that is not run. */
function costOf(scripts: readonly Script[]): Cost | string {
  const cost = { opcodes: 0, signatures: 0 };
  for (const { op } of scripts.flatMap(({ chunks }) => chunks)) {
    if (isPush(op)) continue;
    if (!ORDINARY.has(op)) return NAMES.get(op) ?? `the opcode 0x${op.toString(16)}`;
    cost.opcodes++;
    if (ONE_KEY.has(op)) cost.signatures++;
    if (MANY_KEYS.has(op)) cost.signatures += MULTISIG_KEYS;
  }
  return cost;
}

const tooMuch = (what: string): Refusal =>
  refuse(
    "DEPOSIT_REJECTED",
    `${what}. Send those coins to an ordinary address of yours first, and deposit from there.`,
  );

/** Why the scripts of `tx` do not open `sources`, its inputs' outputs in order; undefined when they do. */
export function checkScripts(tx: ReadTransaction, sources: readonly ReadOutput[]): Refusal | undefined {
  if (sources.some(({ script }) => script.length / 2 > MAX_SCRIPT_BYTES))
    return tooMuch("It spends an output whose script is too long");
  const parsed = Transaction.fromHex(tx.rawHex);
  const locks = sources.map(({ script }) => LockingScript.fromHex(script));
  let signatures = 0;
  for (const [index, lock] of locks.entries()) {
    const unlock = parsed.inputs[index]?.unlockingScript;
    const cost = costOf(unlock ? [lock, unlock] : [lock]);
    if (typeof cost === "string") return tooMuch(`Input ${index} spends a script with ${cost}`);
    if (cost.opcodes > MAX_OPCODES) return tooMuch(`Input ${index} spends a script of too many steps`);
    signatures += cost.signatures;
  }
  if (signatures > MAX_SIGNATURES) return tooMuch("Its inputs ask for too many signatures");
  const verdict = verifyInputScripts(parsed, (_input, index) => {
    const [source, lockingScript] = [sources[index], locks[index]];
    return source && lockingScript && { satoshis: source.sats, lockingScript };
  });
  return verdict.ok ? undefined : refuse("DEPOSIT_REJECTED", `Input ${verdict.input}: ${verdict.reason}`);
}
