/** I5: whose address counts, by headers anybody can write. */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import express from "express";
import { canonicalIp, createClientIp, networkOf, trustOf } from "../../src/infra/client-ip.ts";
import { createIpHash } from "../../src/infra/ip-hash.ts";

const request = (remoteAddress: string | undefined, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, connection: { remoteAddress }, headers }) as unknown as IncomingMessage;

const forged = {
  "x-forwarded-for": "1.1.1.1, 2.2.2.2",
  "x-real-ip": "3.3.3.3",
  forwarded: "for=4.4.4.4",
  "x-client-ip": "5.5.5.5",
  "true-client-ip": "6.6.6.6",
  "cf-connecting-ip": "7.7.7.7",
};

describe("client ip", () => {
  const cases: [what: string, trust: string, peer: string, headers: Record<string, string>, ip: string][] = [
    ["nobody is trusted: the socket's address, whatever the headers say", "", "9.9.9.9", forged, "9.9.9.9"],
    ["nobody is trusted, not even this machine", "", "127.0.0.1", forged, "127.0.0.1"],
    ["one hop is ours: the right-most that it wrote", "1", "10.0.0.1", forged, "2.2.2.2"],
    ["two hops are ours", "2", "10.0.0.1", forged, "1.1.1.1"],
    ["a named proxy is ours: the right-most that is not", "10.0.0.0/8", "10.0.0.1", forged, "2.2.2.2"],
    ["somebody else than the proxy: his own address", "10.0.0.0/8", "8.8.8.8", forged, "8.8.8.8"],
    [
      "a chain of ours: the first that is not ours, from our side",
      "loopback, 10.0.0.0/8",
      "127.0.0.1",
      { "x-forwarded-for": "10.0.0.7, 6.6.6.6, 10.0.0.2" },
      "6.6.6.6",
    ],
    [
      "only our own hops: the farthest",
      "loopback",
      "127.0.0.1",
      { "x-forwarded-for": "127.0.0.9" },
      "127.0.0.9",
    ],
    ["a trusted proxy without the header", "loopback", "127.0.0.1", { "x-real-ip": "3.3.3.3" }, "127.0.0.1"],
    ["what is no address", "loopback", "127.0.0.1", { "x-forwarded-for": "1.1.1.1, <script>" }, "unknown"],
    ["IPv4 in IPv6, as a socket of both has it", "", "::ffff:9.9.9.9", forged, "9.9.9.9"],
    [
      "the same of a proxy",
      "10.0.0.1",
      "::ffff:10.0.0.1",
      { "x-forwarded-for": "::ffff:1.2.3.4" },
      "1.2.3.4",
    ],
  ];
  for (const [what, trust, peer, headers, ip] of cases)
    it(`I5: ${what}`, () => {
      const fn = trustOf(trust);
      assert.equal(createClientIp(fn)(request(peer, headers)), ip);
      // The same answer as express', which the REST routes get.
      const app = express().set("trust proxy", fn);
      const req = Object.assign(Object.create(app.request), request(peer, headers), { app });
      assert.equal(canonicalIp(String(req.ip)) ?? "unknown", ip);
    });

  it("I5: a socket that is gone has no address", () => {
    assert.equal(createClientIp(trustOf(""))(request(undefined)), "unknown");
  });

  it("I5: settings that would believe everybody are refused", () => {
    for (const text of ["true", "everybody", "10.0.0.0/99", "300.1.1.1"])
      assert.throws(() => trustOf(text), TypeError, text);
  });

  it("I5: one address has one written form, and IPv6 counts by its /64", () => {
    assert.equal(canonicalIp("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
    assert.equal(canonicalIp("::FFFF:102:304"), "1.2.3.4");
    assert.equal(canonicalIp("fe80::1%eth0"), "fe80::1");
    assert.equal(canonicalIp("1.2.3"), undefined);
    assert.equal(canonicalIp(""), undefined);
    assert.equal(networkOf("2001:db8:1:2:3:4:5:6"), networkOf("2001:db8:1:2:ffff::"));
    assert.notEqual(networkOf("2001:db8:1:2::1"), networkOf("2001:db8:1:3::1"));
    assert.equal(networkOf("1.2.3.4"), "1.2.3.4");
  });
});

describe("ip hash", () => {
  const secret = "a secret of all processes";
  const noon = Date.UTC(2026, 10, 22, 12);

  it("I6: processes with one secret agree, others do not, and the address is not in it", () => {
    const [one, two, other] = [secret, secret, "another"].map((own) =>
      createIpHash({ secret: own }, { now: () => noon }),
    );
    assert.equal(one?.("1.2.3.4"), two?.("::ffff:1.2.3.4"));
    assert.notEqual(one?.("1.2.3.4"), other?.("1.2.3.4"));
    assert.notEqual(one?.("1.2.3.4"), one?.("1.2.3.5"));
    assert.match(one?.("1.2.3.4") ?? "", /^[\w-]{22}$/);
  });

  it("I6: the salt changes at midnight UTC", () => {
    let now = noon;
    const hash = createIpHash({ secret }, { now: () => now });
    const today = hash("1.2.3.4");
    now += 11.9 * 3_600_000;
    assert.equal(hash("1.2.3.4"), today);
    now += 3_600_000;
    assert.notEqual(hash("1.2.3.4"), today);
  });
});
