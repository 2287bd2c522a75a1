/** I5: blocks of addresses as people write them. */
import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";
import { parseBlock } from "../../src/infra/cidr.ts";

describe("blocks of addresses", () => {
  const good: [text: string, cidr: string][] = [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["10.255.255.255/9", "10.128.0.0/9"],
    ["1.2.3.4", "1.2.3.4/32"],
    [" 1.2.3.4 ", "1.2.3.4/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:db8::/32", "2001:db8::/32"],
    ["2001:DB8:ffff:ffff::1/33", "2001:db8:8000::/33"],
    ["::1", "::1/128"],
    ["::/0", "::/0"],
    ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
    ["::ffff:1.2.3.4", "1.2.3.4/32"],
    ["2001:db8::1.2.3.4", "2001:db8::102:304/128"],
  ];
  for (const [text, cidr] of good)
    it(`I5: ${text} is ${cidr}`, () => {
      const block = parseBlock(text);
      assert.equal(block?.cidr, cidr);
      assert.equal(parseBlock(block?.cidr ?? "")?.cidr, cidr);
      new BlockList().addSubnet(block?.network ?? "", block?.prefix ?? -1, block?.family);
    });

  for (const text of [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "010.0.0.1",
    "0x0a.0.0.1",
    "256.1.1.1",
    "2001:db8::/129",
    "2001:db8:::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.0/90",
    "localhost",
    "10.0.0.0 - 10.0.0.9",
    "1.2.3.4\n",
    `${"1".repeat(70)}`,
  ])
    it(`I5: ${JSON.stringify(text)} is none`, () => {
      // A line's end around an address is cut off like other space.
      if (text.endsWith("\n")) assert.equal(parseBlock(text)?.cidr, "1.2.3.4/32");
      else assert.equal(parseBlock(text), undefined);
    });

  it("I5: an address is in its own block of any length, as the matcher sees it", () => {
    const v4 = fc.ipV4().map((ip) => [ip, 32, "ipv4"] as const);
    const v6 = fc
      .array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })
      // IPv4 written as IPv6 becomes IPv4: tested above.
      .filter((groups) => groups[0] !== 0)
      .map((groups) => [groups.map((group) => group.toString(16)).join(":"), 128, "ipv6"] as const);
    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.nat(128), ([ip, bits, family], length) => {
        const block = parseBlock(`${ip}/${length % (bits + 1)}`);
        assert.ok(block);
        const list = new BlockList();
        list.addSubnet(block.network, block.prefix, block.family);
        assert.ok(list.check(ip, family));
      }),
    );
  });
});
