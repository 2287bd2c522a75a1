/**
 * A player without a page: the same REST calls, room messages and signatures a browser makes, through the SDK.
 * Owns: one play key, its session, its voucher chain. Does not own: what it plays; a scenario or a test decides.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf, signCompact } from "@meme-rounds/shared-schema/crypto";
import { escrowScript } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import type {
  Accepted,
  Rejected,
  ServerMessages,
  WireVoucher,
  You,
} from "@meme-rounds/shared-schema/messages";
import {
  challengeAnswer,
  faucetAnswer,
  type Snapshot,
  snapshotSchema,
  tokensAnswer,
  utxosAnswer,
} from "@meme-rounds/shared-schema/rest";
import { contentAnswer } from "@meme-rounds/shared-schema/rest-content";
import { FINAL_SEQUENCE, type PlainTx, preimages, rawTxBytes } from "@meme-rounds/shared-schema/sighash";
import { ecdsaIdentity, playKeyProofBytes, signBsm } from "@meme-rounds/shared-schema/sign-in";
import type { RoundView } from "@meme-rounds/shared-schema/sync-state";
import { p2pkhUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { chatBytes, signVoucher, voucherHash } from "@meme-rounds/shared-schema/voucher";
import { Client, type Room } from "colyseus.js";
import type { z } from "zod";

export type Answer = ({ ok: true } & Accepted) | ({ ok: false } & Rejected);

/** A refused REST call: the problem document's status and code. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${status} ${code}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

interface Coin {
  txid: string;
  vout: number;
  sats: number;
}

/** Bytes of a one-input deposit with change, generously. */
const DEPOSIT_BYTES = 450;
const ANSWER_MS = 15_000;
const LEAVE_MS = 2_000;

/** I2: the seat needs no token, and the SDK would put it into the socket's address. */
function withoutToken(url: URL): string {
  url.searchParams.delete("_authToken");
  return url.toString();
}

export class Player {
  readonly url: string;
  readonly secret: Uint8Array;
  readonly playKey: string;
  readonly address: string;
  readonly client: Client;
  /** What arrived, newest last. */
  readonly settled: ServerMessages["settled"][] = [];
  readonly models: ServerMessages["model"][] = [];
  readonly chats: ServerMessages["chat"][] = [];
  room: Room<unknown, RoundView> | undefined;
  token = "";
  you: You | undefined;
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  private readonly headers: Record<string, string>;

  /** `headers` go with every REST call. */
  constructor(
    url: string,
    secret: Uint8Array = new Uint8Array(randomBytes(32)),
    headers: Record<string, string> = {},
  ) {
    this.url = url;
    this.secret = secret;
    this.headers = headers;
    this.playKey = publicKeyOf(secret);
    this.address = addressOf(this.playKey, "devchain");
    this.client = new Client(url, { urlBuilder: withoutToken });
  }

  /** One REST call; throws ApiError on a problem document. */
  async call<S extends z.ZodType>(
    answer: S,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<S>> {
    const form = body instanceof FormData;
    const response = await fetch(`${this.url}/api${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined || form ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    });
    const json = (await response.json()) as { code?: string; detail?: string };
    if (!response.ok) throw new ApiError(response.status, json.code ?? "", json.detail ?? "");
    return answer.parse(json);
  }

  async signIn(): Promise<z.output<typeof tokensAnswer>> {
    const { nonce, message } = await this.call(challengeAnswer, "POST", "/auth/challenge", {
      wallet: "manual",
      address: this.address,
      playKey: this.playKey,
    });
    const proof = playKeyProofBytes(nonce, ecdsaIdentity(this.playKey));
    const tokens = await this.call(tokensAnswer, "POST", "/auth/verify", {
      nonce,
      signature: signBsm(message, this.secret),
      playSig: signCompact(proof, this.secret),
    });
    this.token = tokens.accessToken;
    this.client.auth.token = tokens.accessToken;
    return tokens;
  }

  current(): Promise<Snapshot> {
    return this.call(snapshotSchema, "GET", "/rounds/current");
  }

  async faucet(sats: number): Promise<Coin> {
    return await this.call(faucetAnswer, "POST", "/wallet/faucet", { address: this.address, sats });
  }

  /** sat on the player's own address. */
  async balance(): Promise<number> {
    const { utxos } = await this.call(utxosAnswer, "GET", `/wallet/${this.address}/utxos`);
    return utxos.reduce((sum, { sats }) => sum + sats, 0);
  }

  async upload(bytes: Uint8Array, title: string): Promise<z.output<typeof contentAnswer>> {
    const form = new FormData();
    form.set("title", title);
    form.set("file", new Blob([Uint8Array.from(bytes)]), "meme");
    return await this.call(contentAnswer, "POST", "/content", form);
  }

  /** Joins the round's room and waits for `you`. */
  async join(roomId: string): Promise<void> {
    const room = await this.client.joinById<RoundView>(roomId, {});
    this.room = room as Room<unknown, RoundView>;
    // Coming back is the scenario's business: it knows which process is left.
    room.reconnection.enabled = false;
    room.onMessage("accepted", (body: Accepted) => this.answered({ ok: true, ...body }));
    room.onMessage("rejected", (body: Rejected) => this.answered({ ok: false, ...body }));
    room.onMessage("settled", (body: ServerMessages["settled"]) => this.settled.push(body));
    room.onMessage("model", (body: ServerMessages["model"]) => this.models.push(body));
    room.onMessage("chat", (body: ServerMessages["chat"]) => this.chats.push(body));
    room.onMessage("notice", () => undefined);
    await new Promise<void>((resolve, reject) => {
      room.onError((code, message) => reject(new Error(`${code} ${message}`)));
      room.onMessage("you", (you: You) => {
        this.you = you;
        resolve();
      });
    });
  }

  /** Says good-bye. The client waits for an answer, which a server that has gone meanwhile does not give. */
  async leave(): Promise<void> {
    if (this.room === undefined) return;
    await Promise.race([this.room.leave(), pause(LEAVE_MS)]);
  }

  /** Sends a message with a ref and resolves with its answer; a pending deposit's with the later one. */
  send(kind: string, body: Record<string, unknown>, ref: string = randomUUID()): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${kind} was not answered`)), ANSWER_MS);
      this.waiting.set(ref, (answer) => {
        if (!answer.ok && answer.code === "DEPOSIT_PENDING") return;
        clearTimeout(timer);
        this.waiting.delete(ref);
        resolve(answer);
      });
      this.room?.send(kind, { ref, ...body });
    });
  }

  /** A deposit of `sats` in the round, spending `coin`, change back to the player. */
  depositTx(round: Snapshot, coin: Coin, sats: number, satPerKb = 100): string {
    const { entryId, operatorKey, auditorKey, deadline } = round;
    const fee = Math.ceil((DEPOSIT_BYTES * satPerKb) / 1000);
    const own = p2pkhScript(this.playKey);
    const tx: PlainTx = {
      version: 1,
      inputs: [{ txid: coin.txid, vout: coin.vout, sequence: FINAL_SEQUENCE, sats: coin.sats, script: own }],
      outputs: [
        { sats, script: escrowScript({ entryId, operatorKey, auditorKey, playKey: this.playKey, deadline }) },
        { sats: coin.sats - sats - fee, script: own },
      ],
      locktime: 0,
    };
    const signature = signPreimage(preimages(tx)(0), this.secret);
    return toHex(rawTxBytes(tx, [p2pkhUnlock({ signature, publicKey: this.playKey })]));
  }

  async deposit(round: Snapshot, coin: Coin, sats: number): Promise<Answer> {
    const answer = await this.send("deposit", { tx: this.depositTx(round, coin, sats) });
    if (answer.ok && this.you)
      this.you = { ...this.you, deposits: [...this.you.deposits, { txid: "", vout: 0, sats }] };
    return answer;
  }

  /** The next voucher of this player's chain. */
  voucher(roundTag: string, kind: "enter" | "boost", memeId: string, amount: number): WireVoucher {
    if (!this.you) throw new Error("not in a round");
    const { nextSeq, lastVoucherHash } = this.you;
    return signVoucher(
      { roundTag, playKey: this.playKey, seq: nextSeq, kind, memeId, amount, prev: lastVoucherHash },
      this.secret,
    );
  }

  async enter(
    round: Snapshot,
    content: { contentId: string; memeId: string },
    price: number,
  ): Promise<Answer> {
    const voucher = this.voucher(round.roundTag, "enter", content.memeId, price);
    return await this.spend(voucher, () => this.send("enter", { contentId: content.contentId, voucher }));
  }

  async boost(round: Snapshot, memeId: string, sats: number): Promise<Answer> {
    const voucher = this.voucher(round.roundTag, "boost", memeId, sats);
    return await this.spend(voucher, () => this.send("boost", { memeId, voucher }));
  }

  async chat(round: Snapshot, text: string): Promise<Answer> {
    const n = this.you?.chatNext ?? 1;
    const sig = signCompact(chatBytes(round.roundTag, this.playKey, n, text), this.secret);
    const answer = await this.send("chat", { text, sig });
    if (answer.ok && this.you) this.you = { ...this.you, chatNext: n + 1 };
    return answer;
  }

  private async spend(voucher: WireVoucher, act: () => Promise<Answer>): Promise<Answer> {
    const answer = await act();
    if (answer.ok && this.you) {
      this.you = {
        ...this.you,
        nextSeq: this.you.nextSeq + 1,
        lastVoucherHash: voucherHash(voucher.bytes),
      };
    }
    return answer;
  }

  private answered(answer: Answer): void {
    this.waiting.get(answer.ref)?.(answer);
  }
}
