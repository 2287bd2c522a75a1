/**
 * Where AITubo's results may be fetched from (C3). What is refused is served soundly by a server that counts its
 * calls: nothing but the rule under test can refuse it, and nobody may have called.
 */
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { readFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import {
  isPublicAddress,
  PrivateAddressError,
  publicLookup,
  type Resolve,
} from "../../src/content/aitubo/addresses.ts";
import { stateOf } from "../../src/content/aitubo/answers.ts";
import { AituboError } from "../../src/content/aitubo/client.ts";
import { type DownloadOptions, download } from "../../src/content/aitubo/download.ts";

const MAX = 1_000_000;
const isPermanent = (error: unknown): boolean => error instanceof AituboError && error.kind === "permanent";

describe("hosts of AITubo's results (C3)", () => {
  let server: Server;
  let port = 0;
  let calls: string[] = [];
  let picture: Buffer;

  before(async () => {
    picture = await readFile(new URL("../fixtures/memes/doge.png", import.meta.url));
    server = createServer((request, response) => {
      calls.push(request.url ?? "");
      if (request.url === "/away") response.writeHead(302, { location: "/a.png" }).end();
      else if (request.url === "/endless.png") {
        response.writeHead(200, { "content-type": "image/png" });
        const more = (): void => {
          while (!response.destroyed && response.write(picture)) {}
        };
        response.on("drain", more);
        more();
      } else if (request.url === "/silent.png") return;
      else response.writeHead(200, { "content-type": "image/png" }).end(picture);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    port = address.port;
  });
  beforeEach(() => {
    calls = [];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const fetchIt = (url: string, options: Partial<DownloadOptions> = {}, resolve?: Resolve) =>
    download(
      url,
      MAX,
      { protocol: "http:", allowPrivate: true, timeoutMs: 2_000, ...options },
      { now: () => 0, ...(resolve ? { resolve } : {}) },
    );

  describe("the answer's own domain", () => {
    const done = (domain: string, image: string) =>
      stateOf({ status: 2, result: { data: { domain, images: [image] } } });

    it("a path is under its domain, with one slash between, however the domain ends", () => {
      for (const domain of ["https://files.test/", "https://files.test"])
        assert.deepEqual(done(domain, "images/a.png"), {
          state: "done",
          outputs: [{ kind: "image", url: "https://files.test/images/a.png", nsfw: false }],
        });
    });

    for (const image of [
      "//inside.test/a.png",
      "https://inside.test/a.png",
      "https://files.test:8443/a.png",
      "http://files.test/a.png",
      "https://user@files.test/a.png",
      "\\\\inside.test\\a.png",
      "file:///etc/hosts",
    ])
      it(`a path that leads elsewhere fails the job: ${image}`, () => {
        assert.equal(done("https://files.test/", image).state, "failed");
      });

    for (const domain of ["", "files.test", "ftp://files.test/", "https://user:word@files.test/"])
      it(`no domain: "${domain}"`, () => {
        assert.equal(done(domain, "a.png").state, "failed");
      });

    it("a video is an output of its own, and its address is held to the same rule", () => {
      const data = { domain: "https://files.test/", images: ["a.png"] };
      const state = stateOf({ status: 2, result: { data: { ...data, video: "v/a.mp4" } } });
      assert.ok(state.state === "done");
      assert.deepEqual(
        state.outputs.map(({ kind, url }) => [kind, url]),
        [
          ["image", "https://files.test/a.png"],
          ["video", "https://files.test/v/a.mp4"],
        ],
      );
      const foreign = { ...data, video: "//inside.test/a.mp4" };
      assert.equal(stateOf({ status: 2, result: { data: foreign } }).state, "failed");
    });
  });

  describe("addresses", () => {
    for (const address of [
      "127.0.0.1",
      "127.255.255.254",
      "0.0.0.0",
      "10.1.2.3",
      "100.64.0.1",
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:10.0.0.1",
      "64:ff9b::a9fe:a9fe",
      "2002:7f00:1::1",
      "2001:0:1::1",
      "2001:db8::1",
      "fc00::1",
      "fd00:ec2::254",
      "fe80::1",
      "fec0::1",
      "ff02::1",
      "localhost",
      "",
    ])
      it(`not public: ${address || "(empty)"}`, () => {
        assert.equal(isPublicAddress(address), false);
      });
    for (const address of [
      "1.1.1.1",
      "172.15.0.1",
      "172.32.0.1",
      "100.63.0.1",
      "2606:4700::1111",
      "2a00:1450::1",
    ])
      it(`public: ${address}`, () => {
        assert.equal(isPublicAddress(address), true);
      });

    const look = (addresses: string[], all: boolean) =>
      new Promise<string | LookupAddress[]>((done, fail) => {
        const resolve: Resolve = async () =>
          addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
        publicLookup(resolve)("files.test", { all }, (error, address) =>
          error ? fail(error) : done(address),
        );
      });

    it("a connection goes to the very addresses that were checked", async () => {
      assert.deepEqual(await look(["1.1.1.1", "2606:4700::1111"], true), [
        { address: "1.1.1.1", family: 4 },
        { address: "2606:4700::1111", family: 6 },
      ]);
      assert.equal(await look(["1.1.1.1"], false), "1.1.1.1");
    });

    it("is what node's own requests take: they connect to the address it gives", async () => {
      const resolve: Resolve = async (host) => {
        assert.equal(host, "files.test");
        return [{ address: "127.0.0.1", family: 4 }];
      };
      const lookup = publicLookup(resolve, (address) => address === "127.0.0.1");
      for (const autoSelectFamily of [true, false]) {
        const status = await new Promise((done, fail) => {
          const options = { agent: false, lookup, autoSelectFamily } as const;
          request(`http://files.test:${port}/a.png`, options, (response) => {
            response.resume();
            done(response.statusCode);
          })
            .once("error", fail)
            .end();
        });
        assert.equal(status, 200);
      }
      assert.deepEqual(calls, ["/a.png", "/a.png"]);
    });

    it("one private address among them refuses the host, and so does none at all", async () => {
      for (const addresses of [["1.1.1.1", "10.0.0.1"], ["2606:4700::1111", "::1"], []])
        for (const all of [true, false]) await assert.rejects(look(addresses, all), PrivateAddressError);
    });
  });

  describe("a download", () => {
    it("works in development, where the stand-in is on this machine, and brings no key along", async () => {
      assert.deepEqual(await fetchIt(`http://127.0.0.1:${port}/a.png`), picture);
      assert.deepEqual(calls, ["/a.png"]);
    });

    it("in production never asks this machine or one beside it, by number or by name", async () => {
      for (const host of [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0.0.0.0",
      ])
        await assert.rejects(
          fetchIt(`http://${host}:${port}/a.png`, { allowPrivate: false }),
          isPermanent,
          host,
        );
      const rebound: Resolve = async () => [{ address: "127.0.0.1", family: 4 }];
      await assert.rejects(
        fetchIt(`http://files.test:${port}/a.png`, { allowPrivate: false }, rebound),
        isPermanent,
      );
      assert.deepEqual(calls, []);
    });

    it("asks the address its look-up gave and looks up once: a name cannot change in between", async () => {
      let asked = 0;
      const resolve: Resolve = async () => {
        asked++;
        return asked === 1 ? [{ address: "192.0.2.1", family: 4 }] : [{ address: "127.0.0.1", family: 4 }];
      };
      const doing = fetchIt(`http://files.test:${port}/a.png`, { allowPrivate: false }, resolve);
      await assert.rejects(doing, isPermanent);
      assert.equal(asked, 1);
      assert.deepEqual(calls, []);
    });

    it("a name that cannot be looked up may work later", async () => {
      const resolve: Resolve = async () => {
        throw new Error("EAI_AGAIN");
      };
      await assert.rejects(
        fetchIt(`http://files.test:${port}/a.png`, { allowPrivate: false }, resolve),
        (error: unknown) => error instanceof AituboError && error.kind === "retry",
      );
    });

    it("is not made in the clear when the API is https", async () => {
      await assert.rejects(fetchIt(`http://127.0.0.1:${port}/a.png`, { protocol: "https:" }), isPermanent);
      assert.deepEqual(calls, []);
    });

    it("follows no redirect", async () => {
      await assert.rejects(fetchIt(`http://127.0.0.1:${port}/away`), isPermanent);
      assert.deepEqual(calls, ["/away"]);
    });

    it("ends at its size limit while bytes still come, and at its time limit when none do", async () => {
      await assert.rejects(fetchIt(`http://127.0.0.1:${port}/endless.png`), isPermanent);
      await assert.rejects(
        fetchIt(`http://127.0.0.1:${port}/silent.png`, { timeoutMs: 100 }),
        (error: unknown) => error instanceof AituboError && error.kind === "retry",
      );
    });
  });
});
