/** Voucher checks a second by each signature back end there is; the floor is hashing the same bytes alone. */
import { createHash, randomBytes } from "node:crypto";
import { publicKeyOf, signCompact, verifyCompact } from "@meme-rounds/shared-schema/crypto";
import {
  createVerifier,
  type Verifier,
  verifierBackend,
  verifierBackends,
} from "../../../server/src/infra/ecdsa.ts";
import type { Figure } from "./measure.ts";

const VOUCHERS = 1_000;
const KEYS = 50;
const VOUCHER_BYTES = 130;

export async function benchSignatures(): Promise<Figure[]> {
  const keys = Array.from({ length: KEYS }, () => randomBytes(32)).map((secret) => ({
    secret,
    key: publicKeyOf(secret),
  }));
  const vouchers = Array.from({ length: VOUCHERS }, (_, at) => {
    const { secret, key } = keys[at % KEYS] ?? { secret: randomBytes(32), key: "" };
    const bytes = randomBytes(VOUCHER_BYTES);
    return { bytes, key, sig: signCompact(bytes, secret) };
  });
  const perSecond = (work: (bytes: Uint8Array, sig: string, key: string) => boolean): number => {
    for (const { bytes, sig, key } of vouchers.slice(0, KEYS)) work(bytes, sig, key);
    const from = performance.now();
    for (const { bytes, sig, key } of vouchers)
      if (!work(bytes, sig, key)) throw new Error("a good signature was refused");
    return (VOUCHERS * 1_000) / (performance.now() - from);
  };
  const hashing = perSecond((bytes) => createHash("sha256").update(bytes).digest().length === 32);
  const figure = (name: string, verify: Verifier): Figure => ({
    name: `voucher checks by ${name}`,
    value: perSecond(verify),
    unit: "/s",
    floor: { name: "hashing alone", value: hashing },
  });
  const native = verifierBackend() === "openssl" ? (["openssl"] as const) : verifierBackends;
  return [
    figure("plain JavaScript (noble)", verifyCompact),
    ...native.map((backend) => figure(backend, createVerifier(backend))),
  ];
}
