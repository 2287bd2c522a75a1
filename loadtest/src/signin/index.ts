/**
 * Sign-ins under load: players with every kind of wallet sign in again and again against a whole running game, each
 * from an address of its own. Owns: the load and the figures. Does not own: the wallets, the game's processes.
 * The floor, in the same run: as many callers who make two calls that ask for nothing.
 */
import { randomBytes } from "node:crypto";
import { publicKeyOf, signCompact } from "@meme-rounds/shared-schema/crypto";
import { challengeAnswer, tokensAnswer } from "@meme-rounds/shared-schema/rest";
import { playKeyProofBytes } from "@meme-rounds/shared-schema/sign-in";
import { signerCases } from "../../../server/test/auth/wallet-signers.ts";
import { startCluster } from "../money/cluster.ts";
import type { Values } from "../options.ts";

const options = {
  players: { value: 100, min: 1, max: 1_000, help: "players who sign in at the same time" },
  seconds: { value: 10, min: 2, max: 600, help: "how long they do, s" },
} as const;

export const signin = {
  summary: "players with all kinds of wallets sign in at once; p50 and p99 from challenge to tokens",
  options,
  run,
};

interface Taken {
  times: number[];
  failures: string[];
}

/** Every player does `work` again and again until the time is over. */
async function load(
  players: number,
  seconds: number,
  signal: AbortSignal,
  work: (player: number) => Promise<void>,
): Promise<Taken> {
  const times: number[] = [];
  const failures: string[] = [];
  const end = performance.now() + seconds * 1_000;
  const one = async (player: number): Promise<void> => {
    while (performance.now() < end && !signal.aborted) {
      const start = performance.now();
      try {
        await work(player);
        times.push(performance.now() - start);
      } catch (error) {
        failures.push(String(error));
        // A server that refuses everything is not asked for ever.
        if (failures.length > players * 10) return;
      }
    }
  };
  await Promise.all(Array.from({ length: players }, (_, player) => one(player)));
  return { times: times.sort((a, b) => a - b), failures };
}

/** ms; NaN when nothing was measured. */
const quantile = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) * 10) /
  10;

const figuresOf = ({ times }: Taken, seconds: number) => ({
  count: times.length,
  perSecond: Math.round(times.length / seconds),
  p50Ms: quantile(times, 0.5),
  p99Ms: quantile(times, 0.99),
});

async function post(url: string, ip: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}/api/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": ip },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

async function run({ players, seconds }: Values<typeof options>, signal: AbortSignal) {
  const cluster = await startCluster({ roundSeconds: 60, blockSeconds: 0, games: 1, workers: 1 }, signal);
  let ok = false;
  try {
    const [url = ""] = cluster.gameUrls();
    const crowd = await Promise.all(
      Array.from({ length: players }, async (_, at) => {
        const wallet = signerCases[at % signerCases.length];
        if (wallet === undefined) throw new Error("there is no wallet to sign with");
        const [root, play] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
        const { address } = await wallet.claim(root, "which address?", "no-nonce");
        return { wallet, root, play, playKey: publicKeyOf(play), address, identity: wallet.identity(root) };
      }),
    );
    let addresses = 0;
    const newIp = (): string => {
      addresses++;
      return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
    };
    const signIn = async (at: number): Promise<void> => {
      const who = crowd[at];
      if (who === undefined) return;
      const { wallet, address, playKey, root, play, identity } = who;
      const ip = newIp();
      const asked = await post(url, ip, "challenge", { wallet: wallet.wallet, address, playKey });
      const { nonce, message } = challengeAnswer.parse(asked);
      const { signature, publicKey } = await wallet.claim(root, message, nonce);
      const playSig = signCompact(playKeyProofBytes(nonce, identity), play);
      const given = await post(url, ip, "verify", { nonce, signature, publicKey, playSig });
      if (tokensAnswer.parse(given).user.identity !== identity) throw new Error("signed in as somebody else");
    };
    const twoCalls = async (): Promise<void> => {
      for (let call = 0; call < 2; call++) await (await fetch(`${url}/healthz`)).arrayBuffer();
    };
    // What it costs this machine to make the signatures, which is in the times below.
    const signing = performance.now();
    for (const { wallet, root, play, identity } of crowd) {
      await wallet.claim(root, "x".repeat(400), "nonce");
      signCompact(playKeyProofBytes("nonce", identity), play);
    }
    const clientMs = Math.round(((performance.now() - signing) * 100) / players) / 100;
    await load(players, 1, signal, signIn);
    const before = await load(players, seconds / 4, signal, twoCalls);
    const taken = await load(players, seconds, signal, signIn);
    const after = await load(players, seconds / 4, signal, twoCalls);
    const idle = await load(1, Math.min(seconds, 5), signal, signIn);
    const floor: Taken = {
      times: [...before.times, ...after.times].sort((a, b) => a - b),
      failures: [...before.failures, ...after.failures],
    };
    const failures = [...taken.failures, ...idle.failures, ...floor.failures];
    ok = failures.length === 0 && taken.times.length > 0;
    const figures = {
      players,
      wallets: Math.min(players, signerCases.length),
      signIn: figuresOf(taken, seconds),
      floorTwoEmptyCalls: figuresOf(floor, seconds / 2),
      onePlayerAlone: figuresOf(idle, Math.min(seconds, 5)),
      signingInTheClientMs: clientMs,
      failures: failures.length,
      firstFailure: failures[0],
    };
    console.log(
      `${players} players: sign-in p50 ${figures.signIn.p50Ms} ms, p99 ${figures.signIn.p99Ms} ms, ${figures.signIn.perSecond}/s; ` +
        `two empty calls p50 ${figures.floorTwoEmptyCalls.p50Ms} ms, p99 ${figures.floorTwoEmptyCalls.p99Ms} ms`,
    );
    return { ok, figures };
  } finally {
    await cluster.stop(!ok && !signal.aborted);
  }
}
