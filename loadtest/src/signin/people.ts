/**
 * People who sign in, each with a wallet of its own kind. Owns: their keys and signatures, the two calls and their
 * times. Does not own: how many do so at once.
 */
import { randomBytes } from "node:crypto";
import { publicKeyOf, signCompact } from "@meme-rounds/shared-schema/crypto";
import { challengeAnswer, problemSchema, tokensAnswer } from "@meme-rounds/shared-schema/rest";
import { playKeyProofBytes } from "@meme-rounds/shared-schema/sign-in";
import { type SignerCase, signerCases } from "../../../server/test/auth/wallet-signers.ts";
import { ipOf } from "./addresses.ts";

const ANSWER_MS = 30_000;
/** What an address is asked for before there is a challenge. */
const NO_NONCE = "no-nonce";

export interface Person {
  signer: SignerCase;
  root: Uint8Array;
  play: Uint8Array;
  playKey: string;
  address: string;
  identity: string;
}

/** A challenge as it was given to a person at an address. */
export interface Asked {
  nonce: string;
  message: string;
  ip: string;
  ms: number;
}

export interface Signed {
  nonce: string;
  signature: string;
  publicKey?: string | undefined;
  playSig: string;
}

export const SIGNATURE_KINDS = signerCases.length;

/** The wallets in turn. */
export async function peopleOf(count: number): Promise<Person[]> {
  const people: Person[] = [];
  for (let at = 0; at < count; at++) {
    const signer = signerCases[at % signerCases.length];
    if (signer === undefined) throw new Error("there is no wallet to sign with");
    const [root, play] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
    const { address } = await signer.claim(root, "which address?", NO_NONCE);
    people.push({ signer, root, play, playKey: publicKeyOf(play), address, identity: signer.identity(root) });
  }
  return people;
}

export class SigninCalls {
  private readonly url: string;
  private addresses = 0;

  constructor(url: string) {
    this.url = url;
  }

  /** Throws with status and code when it was refused. */
  async challenge({ signer, address, playKey }: Person): Promise<Asked> {
    // Each sign-in has an address of its own: limits by address are not what is measured.
    this.addresses++;
    const ip = ipOf(this.addresses);
    const { answer, ms } = await this.post("challenge", ip, { wallet: signer.wallet, address, playKey });
    const { nonce, message } = challengeAnswer.parse(answer);
    return { nonce, message, ip, ms };
  }

  /** ms it took. Throws with status and code when it was refused, and when somebody else was signed in. */
  async verify({ identity }: Person, { ip }: Asked, body: Signed): Promise<number> {
    const { answer, ms } = await this.post("verify", ip, body);
    if (tokensAnswer.parse(answer).user.identity !== identity) throw new Error("signed in as somebody else");
    return ms;
  }

  /** A call that asks for nothing; ms it took. */
  async empty(): Promise<number> {
    const start = performance.now();
    const response = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`healthz: ${response.status}`);
    return performance.now() - start;
  }

  private async post(path: string, ip: string, body: object): Promise<{ answer: unknown; ms: number }> {
    const start = performance.now();
    const response = await fetch(`${this.url}/api/auth/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": ip },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const answer: unknown = await response.json();
    const ms = performance.now() - start;
    if (!response.ok) {
      const problem = problemSchema.safeParse(answer);
      throw new Error(`${path}: ${response.status} ${problem.data?.code ?? "without a code"}`);
    }
    return { answer, ms };
  }
}

/** What wallet and play key sign; costs this process a few ms. */
export async function sign(person: Person, { nonce, message }: Asked): Promise<Signed> {
  const { signer, root, play, identity } = person;
  const { signature, publicKey } = await signer.claim(root, message, nonce);
  return { nonce, signature, publicKey, playSig: signCompact(playKeyProofBytes(nonce, identity), play) };
}
