/** Merkle paths against an own tree, the SDK's reader, and everything that is wrong in them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { MerklePath } from "@bsv/sdk";
import fc from "fast-check";
import { register } from "prom-client";
import { bumpOfTsc, createChain, parseBump, rootOf } from "../../src/chain/index.ts";
import { type Asked, startProxy } from "./proxy.ts";
import { keyOf, type Net, spend, startNet } from "./support.ts";

const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();
const wire = (hash: string): Buffer => Buffer.from(hash, "hex").reverse();
const pair = (a: string, b: string): string =>
  sha256(sha256(Buffer.concat([wire(a), wire(b)])))
    .reverse()
    .toString("hex");
const txidOf = (n: number): string => sha256(Buffer.from(`transaction ${n}`)).toString("hex");

/** The root of a block, and the siblings of one of its transactions from the bottom up. */
function tree(txids: string[], index: number): { root: string; nodes: string[] } {
  const nodes: string[] = [];
  let level = txids;
  for (let at = index; level.length > 1; at = at >> 1) {
    nodes.push(level[at ^ 1] ?? "*");
    level = level.filter((_, i) => i % 2 === 0).map((left, i) => pair(left, level[i * 2 + 1] ?? left));
  }
  return { root: level[0] ?? "", nodes };
}

const place = fc
  .integer({ min: 1, max: 70 })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }));
const blockOf = (size: number): string[] => Array.from({ length: size }, (_, n) => txidOf(n));

describe("merkle paths", () => {
  it("M5: a TSC proof as a path leads to the block's root, for the SDK's reader too", () => {
    fc.assert(
      fc.property(place, ({ size, index }) => {
        const txids = blockOf(size);
        const txid = txidOf(index);
        const { root, nodes } = tree(txids, index);
        const bump = bumpOfTsc(70_000, txid, index, nodes);
        const path = parseBump(bump);
        assert.ok(path);
        assert.equal(path.height, 70_000);
        assert.equal(rootOf(path, txid), root);
        assert.equal(MerklePath.fromHex(bump).computeRoot(txid), root);
        assert.equal(rootOf(path, txidOf(999)), undefined);
      }),
    );
  });

  it("M5: any changed byte leads elsewhere or nowhere, but for flags that say nothing of the tree", () => {
    const inTrees = place.filter(({ size }) => size > 1);
    fc.assert(
      fc.property(inTrees, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ size, index }, at, mask) => {
        const txid = txidOf(index);
        const { root, nodes } = tree(blockOf(size), index);
        const bytes = Buffer.from(bumpOfTsc(1, txid, index, nodes), "hex");
        const changed = 1 + (at % (bytes.length - 1));
        bytes.writeUInt8(bytes.readUInt8(changed) ^ mask, changed);
        const path = parseBump(bytes.toString("hex"));
        const isIdleFlag = flagsOf(nodes).includes(changed) && mask % 2 === 0;
        assert.equal(path !== undefined && rootOf(path, txid) === root, isIdleFlag);
      }),
      { numRuns: 3_000 },
    );
    /** Where a path's flags stand: after height and levels come a count and [place, flag, hash] for each leaf. */
    function flagsOf(nodes: string[]): number[] {
      const places: number[] = [];
      let cursor = 2;
      for (const [level, node] of nodes.entries()) {
        cursor += 1;
        const leaves = level === 0 ? [node, "own"] : [node];
        // A copy is always the right one, so the own leaf comes first beside it.
        for (const leaf of node === "*" ? leaves.reverse() : leaves) {
          places.push(cursor + 1);
          cursor += leaf === "*" ? 2 : 34;
        }
      }
      return places;
    }
  });

  it("M5: bytes that are no path are none, and a forged length costs nothing", () => {
    const good = bumpOfTsc(5, txidOf(0), 0, [txidOf(1)]);
    for (const bad of ["", "0", "zz", good.slice(0, -2), `${good}00`, good.toUpperCase().replace(/^0/, "G")])
      assert.equal(parseBump(bad), undefined, bad);
    const started = performance.now();
    assert.equal(parseBump("05ffffffffffffffffff".repeat(3)), undefined);
    assert.equal(parseBump(`0501fe${"ffffffff"}00`), undefined);
    assert.equal(parseBump(`05ff${"01000001".repeat(200)}`), undefined);
    assert.ok(performance.now() - started < 100);
  });
});

describe("proofs", () => {
  let net: Net;
  before(async () => {
    net = await startNet();
  });
  after(() => net.close());

  const wrongProofs = async (source: string): Promise<number> =>
    (await register.getSingleMetric("mr_chain_wrong_proofs_total")?.get())?.values.find(
      ({ labels }) => labels.source === source,
    )?.value ?? 0;

  /** ARC and WhatsOnChain over the devchain; what they say of a path goes through these. */
  async function withLies(arcLie: (path: string) => string, tscLie: (nodes: string) => string) {
    const isStatus = ({ method, path }: Asked) => method === "GET" && path.startsWith("/v1/tx/");
    const arc = await startProxy(net.url, {
      after: (asked, said) =>
        isStatus(asked)
          ? {
              ...said,
              body: said.body.replace(/"merklePath":"(\w*)"/, (_, path) => `"merklePath":"${arcLie(path)}"`),
            }
          : said,
    });
    const woc = await startProxy(net.url, {
      after: ({ path }, said) => (path.endsWith("/proof/tsc") ? { ...said, body: tscLie(said.body) } : said),
    });
    const port = createChain({ network: "devchain", arcUrl: arc.url, wocUrl: woc.url, timeoutMs: 5_000 });
    return { port, close: async () => void (await Promise.all([arc.close(), woc.close()])) };
  }

  const same = (text: string): string => text;
  const none = (): string => "";
  const flipped = (path: string): string => path.slice(0, -1) + (path.endsWith("0") ? "1" : "0");
  const otherNode = (body: string): string => body.replace(/[0-9a-f]{4}"\]/, 'beef"]');
  const cases: [string, (path: string) => string, (nodes: string) => string, boolean, [number, number]][] = [
    ["both honest", same, same, true, [0, 0]],
    ["ARC's is wrong", flipped, same, true, [1, 0]],
    ["ARC's is no path", () => "00ff", same, true, [1, 0]],
    ["ARC has none", none, same, true, [0, 0]],
    ["WhatsOnChain's is wrong, ARC's is not", same, otherNode, true, [0, 0]],
    ["both wrong", flipped, otherNode, false, [1, 1]],
    ["ARC has none, WhatsOnChain's is wrong", none, otherNode, false, [0, 1]],
  ];
  for (const [name, arcLie, tscLie, isProven, [arcWrong, wocWrong]] of cases)
    it(`M5: ${name}: ${isProven ? "proven" : "no proof"}, and each wrong path is counted`, async () => {
      const coin = await net.fund(keyOf(51), 50_000);
      const txid = (await spend(coin, keyOf(51))).id("hex");
      await net.port.broadcast(await spend(coin, keyOf(51)));
      net.chain.mine();
      const { port, close } = await withLies(arcLie, tscLie);
      try {
        const counts = [await wrongProofs("arc"), await wrongProofs("woc")];
        const proof = await port.proof(txid);
        assert.equal(proof !== undefined, isProven);
        if (proof)
          assert.equal(
            MerklePath.fromHex(proof.bump).computeRoot(txid),
            net.chain.state.blocks.at(-1)?.merkleRoot,
          );
        const now = [await wrongProofs("arc"), await wrongProofs("woc")];
        assert.deepEqual(
          now.map((count, i) => count - (counts[i] ?? 0)),
          [arcWrong, wocWrong],
        );
      } finally {
        await close();
      }
    });
});
