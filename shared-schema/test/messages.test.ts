/** R9: messages of a shape that cannot be hashed or signed are refused at the edge, not somewhere inside. */
import { strict as assert } from "node:assert";
import { clientMessages } from "@meme-rounds/shared-schema/messages";

const ref = "6f1f3c1e-8c4f-4d5e-9a65-0a3b1f7c2d11";

describe("client messages", () => {
  it("R10 text with half a character in it is refused, whole characters of any kind are not", () => {
    const chat = (text: string) => clientMessages.chat.safeParse({ ref, text, sig: "11".repeat(64) }).success;
    const report = (reason: string) =>
      clientMessages.report.safeParse({ ref, memeId: "ab".repeat(32), reason }).success;
    for (const half of ["\ud83d", "a\udc00b", "\udc00\ud83d"]) assert.ok(!chat(half) && !report(half));
    for (const whole of ["🐸", "é", "漢字", "a"]) assert.ok(chat(whole) && report(whole), whole);
  });
});
