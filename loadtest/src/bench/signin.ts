/**
 * Wallets' signatures checked a second, by each way a wallet signs (I1); the floor is one plain check of a signature by
 * the same curve: libsecp256k1's, or for Ed25519 noble's.
 */
import { randomBytes } from "node:crypto";
import {
  ed25519PublicKey,
  publicKeyOf,
  signCompact,
  signEd25519,
  verifyEd25519,
} from "@meme-rounds/shared-schema/crypto";
import { createSchemes, type SignatureClaim, schemeOf } from "../../../server/src/auth/schemes/index.ts";
import { createVerifier, verifierBackend } from "../../../server/src/infra/ecdsa.ts";
import { signerCases } from "../../../server/test/auth/wallet-signers.ts";
import type { Figure } from "./measure.ts";

const CLAIMS = 20;
const CHECKS = 200;
const RUNS = 15;
const NONCE = "nonce-0123456789";
/** As long as a challenge's text. */
const MESSAGE = "x".repeat(330);

/** Calls a second of `work`, given 0, 1, 2... */
function perSecond(work: (index: number) => boolean): number {
  const from = performance.now();
  for (let i = 0; i < CHECKS; i++) if (!work(i)) throw new Error("a good signature was refused");
  return (CHECKS * 1_000) / (performance.now() - from);
}

/** The best of several short runs of both, in turns: what else runs on the machine then weighs on neither. */
function inTurns(works: readonly ((index: number) => boolean)[]): number[] {
  for (const work of works) perSecond(work);
  const runs = Array.from({ length: RUNS }, () => works.map(perSecond));
  return works.map((_, at) => Math.max(...runs.map((run) => run[at] ?? 0)));
}

export async function benchSignin(): Promise<Figure[]> {
  const schemes = createSchemes({ network: "devchain" });
  const secrets = Array.from({ length: CLAIMS }, () => randomBytes(32));
  const bytes = Buffer.from(MESSAGE);
  const ecdsa = secrets.map((secret) => ({ sig: signCompact(bytes, secret), key: publicKeyOf(secret) }));
  const ed25519 = secrets.map((seed) => ({ sig: signEd25519(bytes, seed), key: ed25519PublicKey(seed) }));
  const plain = {
    ecdsa: { name: `a plain check by ${verifierBackend()}`, verify: createVerifier(), signed: ecdsa },
    ed25519: { name: "a plain Ed25519 check by noble", verify: verifyEd25519, signed: ed25519 },
  };
  const figures: Figure[] = [];
  for (const one of signerCases) {
    const claims: SignatureClaim[] = [];
    for (const secret of secrets) claims.push(await one.claim(secret, MESSAGE, NONCE));
    const scheme = schemeOf(schemes, one.wallet);
    const { name, verify, signed } = one.wallet === "phantom" ? plain.ed25519 : plain.ecdsa;
    const [floor = 0, value = 0] = inTurns([
      (at) => {
        const { sig, key } = signed[at % CLAIMS] ?? { sig: "", key: "" };
        return verify(bytes, sig, key);
      },
      (at) => {
        const claim = claims[at % CLAIMS];
        return claim !== undefined && scheme.verify(claim).ok;
      },
    ]);
    figures.push({
      name: `sign-in signatures: ${one.name}`,
      value,
      unit: "/s",
      floor: { name, value: floor },
    });
  }
  return figures;
}
