/** `npm run reclaim` (M9): a real deposit on a devchain, a backup file, and no server of ours. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sealBackup } from "@meme-rounds/shared-schema/backup-file";
import { toHex } from "@meme-rounds/shared-schema/bytes";
import { addressOf, publicKeyOf } from "@meme-rounds/shared-schema/crypto";
import { entryIdOf, escrowScript } from "@meme-rounds/shared-schema/escrow";
import { p2pkhScript } from "@meme-rounds/shared-schema/lock";
import { type PlainTx, preimages, rawTxBytes } from "@meme-rounds/shared-schema/sighash";
import { readRawTx } from "@meme-rounds/shared-schema/tx-read";
import { settleUnlock, signPreimage } from "@meme-rounds/shared-schema/unlock";
import { toWif } from "@meme-rounds/shared-schema/wif";
import { actor } from "../../../shared-schema/test/support/round.ts";
import { runReclaim } from "../../src/tools/reclaim.ts";
import { type Net, START_MS, startNet } from "../chain/support.ts";
import { payTx } from "../payment/pay.ts";

const CLOSES_S = START_MS / 1000 + 600;
const DEADLINE = CLOSES_S + 86_400;
const ROUND = `main-${START_MS / 1000}`;

describe("npm run reclaim", () => {
  const player = actor("reclaimer");
  const operator = actor("operator");
  const auditor = actor("auditor");
  const escrow = {
    entryId: entryIdOf("devchain", ROUND),
    operatorKey: operator.playKey,
    auditorKey: auditor.playKey,
    playKey: player.playKey,
    deadline: DEADLINE,
  };
  const script = escrowScript(escrow);
  let net: Net;
  let dir: string;
  let file: string;
  let said: string;
  let clock = START_MS;
  let passphrase: string | undefined;

  const run = async (...args: string[]): Promise<number> => {
    said = "";
    const say = (line: string) => {
      said += `${line}\n`;
    };
    return await runReclaim(args, {
      say,
      clock: () => clock,
      sleep: () => Promise.resolve(),
      passphrase: async () => passphrase,
    });
  };
  const reclaim = (...more: string[]) => run(file, "--woc", net.url, ...more);

  /** A deposit as the wallet keeps it, mined. */
  async function deposit(sats: number) {
    const answer = await net.call(
      `/dev/faucet?address=${addressOf(player.playKey, "devchain")}&sats=${sats + 1_000}`,
    );
    const coin = (await answer.json()) as { txid: string; vout: number; sats: number };
    const { rawHex } = payTx(player, coin, [{ sats, script }]);
    const sent = await net.port.broadcast({ rawHex });
    assert.equal(sent.outcome, "seen");
    await net.call("/dev/mine");
    return {
      roundId: ROUND,
      txid: sent.txid,
      tx: rawHex,
      sats,
      fee: 100,
      spends: [],
      escrow,
      state: "accepted",
      at: START_MS,
    };
  }
  const save = (deposits: unknown[], change: object = {}) =>
    writeFile(
      file,
      JSON.stringify({
        format: "meme-rounds-backup",
        version: 1,
        network: "devchain",
        address: addressOf(player.playKey, "devchain"),
        playKey: player.playKey,
        wif: toWif(player.secret, "devchain"),
        deposits,
        ...change,
      }),
    );
  /** The chain's clock is moved past the deadline, its median time too. */
  const afterDeadline = async () => {
    await net.call("/dev/clock?seconds=90000");
    await net.call("/dev/mine?blocks=11");
    clock = START_MS + 90_000_000;
  };
  const balance = async (address: string): Promise<number> =>
    (await net.port.utxosOfAddress(address)).reduce((sum, { sats }) => sum + sats, 0);

  beforeEach(async () => {
    net = await startNet();
    dir = await mkdtemp(join(tmpdir(), "reclaim-"));
    file = join(dir, "backup.json");
    clock = START_MS;
    passphrase = undefined;
  });
  afterEach(async () => {
    await net.close();
    await rm(dir, { recursive: true });
  });

  it("M9: before the deadline it says when, local, UTC and how long, sends nothing and fails", async () => {
    await save([await deposit(10_000)]);
    assert.equal(await reclaim(), 2);
    assert.match(said, /10000 sat, unspent/);
    assert.ok(said.includes("2027-01-16 08:10:00 UTC"), said);
    assert.match(said, /That is in 1 d 10 min;.*Nothing was sent/);
    assert.deepEqual(await readdir(dir), ["backup.json"]);
    assert.equal((await net.port.utxosOfScript(script)).length, 1);
  });

  it("M9: between the deadline and the chain's median time it waits still", async () => {
    await save([await deposit(10_000)]);
    await net.call("/dev/mine?blocks=8");
    await net.call("/dev/clock?seconds=90000");
    await net.call("/dev/mine?blocks=2");
    clock = START_MS + 90_000_000;
    assert.equal(await reclaim(), 2);
    assert.match(said, /the chain's own clock stands at .* UTC\. Try again in/);
  });

  it("M9: after the deadline the coins come back to the player; twice does no harm", async () => {
    const made = await deposit(10_000);
    await save([made]);
    await afterDeadline();
    const address = addressOf(player.playKey, "devchain");
    const before = await balance(address);
    assert.equal(await reclaim(), 0, said);
    const [, txid = ""] = /Refund ([0-9a-f]{64})/.exec(said) ?? [];
    const raw = (await readFile(join(dir, `backup.refund-${made.txid.slice(0, 16)}.hex`), "utf8")).trim();
    const tx = readRawTx(raw);
    assert.equal(tx?.txid, txid);
    assert.deepEqual(
      tx?.outputs.map((one) => one.script),
      [p2pkhScript(player.playKey)],
    );
    const fee = 10_000 - (tx?.outputs[0]?.sats ?? 0);
    assert.ok(fee >= (raw.length / 2) * 0.1 && fee <= (raw.length / 2) * 0.1 + 2, `fee ${fee}`);
    assert.equal(await balance(address), before + 10_000 - fee);
    await net.call("/dev/mine");
    assert.equal((await net.port.status(txid)).state, "mined");

    assert.equal(await reclaim(), 0);
    assert.ok(said.includes(`taken back already, in ${txid}`), said);
  });

  it("M9: --to pays another address of the network, and --arc sends through ARC", async () => {
    await save([await deposit(10_000), await deposit(5_000)]);
    await afterDeadline();
    const other = addressOf(publicKeyOf(actor("friend").secret), "devchain");
    assert.equal(await reclaim("--to", other, "--arc", net.url), 0, said);
    const got = await balance(other);
    assert.ok(got > 14_800 && got < 15_000, String(got));
  });

  it("M9, I3: a sealed backup opens with its passphrase, and only with it", async () => {
    const made = await deposit(10_000);
    const content = { wif: toWif(player.secret, "devchain"), deposits: [made] };
    const about = { network: "devchain", address: "1x", createdAt: START_MS } as const;
    const sealed = await sealBackup(content, about, "correct horse battery", crypto);
    await writeFile(file, sealed);
    await afterDeadline();
    assert.equal(await reclaim(), 1);
    assert.match(said, /Set BACKUP_PASSPHRASE/);
    passphrase = "wrong horse battery";
    assert.equal(await reclaim(), 1);
    assert.match(said, /This is not the passphrase of/);
    passphrase = "correct horse battery";
    await writeFile(file, sealed.replace('"devchain"', '"main"'));
    assert.equal(await reclaim(), 1);
    assert.match(said, /damaged or not complete/);
    await writeFile(file, sealed);
    assert.equal(await reclaim(), 0);
    assert.match(said, /are on their way to you/);
    assert.ok((await balance(addressOf(player.playKey, "devchain"))) > 9_900);
  });

  it("M9: a settled deposit is named with its settlement; nothing is sent", async () => {
    const made = await deposit(10_000);
    await save([made]);
    const tx: PlainTx = {
      version: 1,
      inputs: [{ txid: made.txid, vout: 0, sats: 10_000, script, sequence: 0xffffffff }],
      outputs: [{ sats: 9_800, script: p2pkhScript(player.playKey) }],
      locktime: 0,
    };
    const preimage = preimages(tx)(0);
    const by = (who: typeof operator) => ({
      signature: signPreimage(preimage, who.secret),
      publicKey: who.playKey,
    });
    const sent = await net.port.broadcast({
      rawHex: toHex(rawTxBytes(tx, [settleUnlock(by(operator), by(auditor))])),
    });
    assert.equal(sent.outcome, "seen");
    await afterDeadline();
    assert.equal(await reclaim(), 0);
    assert.ok(said.includes(`settled in ${sent.txid}: nothing to reclaim`), said);
    assert.deepEqual(await readdir(dir), ["backup.json"]);
  });

  it("M9: a deposit that never arrived took nothing, and another one is still taken back", async () => {
    const answer = await net.call(`/dev/faucet?address=${addressOf(player.playKey, "devchain")}&sats=9000`);
    const unsent = payTx(player, (await answer.json()) as { txid: string; vout: number; sats: number }, [
      { sats: 5_000, script },
    ]);
    const txid = readRawTx(unsent.rawHex)?.txid;
    await save([{ roundId: ROUND, txid, tx: unsent.rawHex, escrow }, await deposit(10_000)]);
    await afterDeadline();
    assert.equal(await reclaim(), 0, said);
    assert.match(said, /never arrived/);
    assert.match(said, /Sent: 9\d\d\d sat/);
  });

  it("M9: another amount or another lock than the backup says is not signed", async () => {
    const made = await deposit(10_000);
    await save([{ ...made, escrow: { ...escrow, deadline: DEADLINE + 1 } }]);
    await afterDeadline();
    assert.equal(await reclaim(), 1);
    assert.match(said, /no output of the deposit's transaction is locked by its terms/);
  });

  it("M9: a chain API that cannot be reached is said so", async () => {
    await save([await deposit(10_000)]);
    assert.equal(await run(file, "--woc", "http://127.0.0.1:9"), 3);
    assert.match(said, /The chain API http:\/\/127\.0\.0\.1:9 did not answer.*--woc/s);
  });

  describe("M9: bad input is told in a sentence", () => {
    const cases: [string, () => Promise<unknown>, () => string[], RegExp][] = [
      ["no file", async () => undefined, () => [], /There is no file .*backup\.json/],
      ["a folder", async () => undefined, () => [dir], /is a folder/],
      ["not JSON", () => writeFile(file, "hello"), () => [], /is not JSON/],
      ["another format", () => writeFile(file, '{"format":"x"}'), () => [], /not a backup of this game/],
      ["a list", () => writeFile(file, "[]"), () => [], /not a backup of this game/],
      ["sealed, without a passphrase", () => save([], { version: 2 }), () => [], /Set BACKUP_PASSPHRASE/],
      ["a key that is none", () => save([], { wif: "K123" }), () => [], /"wif" is not a private key/],
      [
        "a key of another network",
        () => save([], { network: "test" }),
        () => [],
        /its key is of another network/,
      ],
      ["a broken deposit", () => save([{ roundId: ROUND }]), () => [], /is damaged: deposits\.0\.txid/],
      ["no deposits", () => save([]), () => [], /holds no deposits/],
      [
        "another network asked for",
        () => save([]),
        () => ["--network", "main"],
        /of the network devchain, not main/,
      ],
      [
        "a network that is none",
        () => save([]),
        () => ["--network", "moon"],
        /there is devchain, test and main/,
      ],
      ["an unknown flag", () => save([]), () => ["--fast"], /npm run reclaim -- <backup\.json>/],
    ];
    for (const [name, prepare, args, words] of cases)
      it(name, async () => {
        await prepare();
        const [first, ...rest] = args();
        const isPath = first === dir;
        assert.equal(await run(isPath ? dir : file, ...(isPath ? rest : args())), 1);
        assert.match(said, words);
      });

    it("an address that is wrong, or of another network", async () => {
      await save([await deposit(10_000)]);
      for (const to of ["1BoatSLRHtKNngkdXEeobR76b53LETtpyX", addressOf(player.playKey, "test")]) {
        assert.equal(await reclaim("--to", to), 1);
        assert.match(said, /--to .*Nothing was sent/);
      }
      assert.equal(await run(file, "--woc", "chain"), 1);
      assert.match(said, /--woc chain: this is not a web address/);
    });
  });
});
