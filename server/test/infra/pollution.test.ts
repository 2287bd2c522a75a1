/** Prototype pollution: whatever JSON a stranger sends, no object of ours changes. Real routes and room messages. R9. */
import assert from "node:assert/strict";
import { clientMessages } from "@meme-rounds/shared-schema/messages";
import fc from "fast-check";
import { createRedis, type Redis } from "../../src/infra/redis.ts";
import { type Harness, startAuth } from "../auth/support.ts";
import { startRedis } from "../support/redis.ts";

const PATHS: [method: string, path: string][] = [
  ["POST", "/auth/challenge"],
  ["POST", "/auth/verify"],
  ["POST", "/auth/refresh"],
];
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const names = () => PROTOTYPES.map((one) => Reflect.ownKeys(one).map(String).join());
/** Keys that reach for a prototype, among those that the schemas know. */
const key = fc.constantFrom(
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "polluted"],
  ...["wallet", "address", "playKey", "nonce", "signature", "voucher", "bytes", "ref", "memeId"],
);
/** As text: an object literal's `__proto__` would be its prototype, and not be sent. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('"manual"', '"x"', "1", "null", "true", "[]", "{}"),
    fc
      .array(fc.tuple(key, tie("json")), { maxLength: 4 })
      .map((pairs) => `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`),
    fc.array(tie("json"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
  ),
}));

describe("prototype pollution", function () {
  this.timeout(60_000);
  let server: Awaited<ReturnType<typeof startRedis>>;
  let redis: Redis;
  let harness: Harness;
  const before_ = names();
  before(async () => {
    server = await startRedis();
    redis = createRedis(server.url);
    harness = await startAuth(redis);
  });
  after(async () => {
    await harness?.close();
    await redis?.quit();
    await server?.close();
  });
  const unchanged = (): void => {
    assert.deepEqual(names(), before_);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  };

  it("R9: the check itself sees a polluted prototype", () => {
    Object.defineProperty(Object.prototype, "polluted", { value: 1, configurable: true });
    try {
      assert.throws(unchanged);
    } finally {
      Reflect.deleteProperty(Object.prototype, "polluted");
    }
    unchanged();
  });

  it("R9: routes refuse it, and nothing is changed", async () => {
    const sent = fc.asyncProperty(json, fc.constantFrom(...PATHS), async (body, [method, path]) => {
      const reply = await harness.call(method, path, { body: JSON.parse(body) });
      assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} for ${body}`);
      unchanged();
    });
    await fc.assert(sent, { numRuns: 400 });
  });

  it("R9: what a room message's schema lets through has only its own fields", () => {
    fc.assert(
      fc.property(json, (body) => {
        const raw: unknown = JSON.parse(body);
        for (const schema of Object.values(clientMessages)) {
          const parsed = schema.safeParse(raw);
          if (parsed.success) assert.equal(Object.getPrototypeOf(parsed.data), Object.prototype);
        }
        unchanged();
      }),
      { numRuns: 2_000 },
    );
  });
});
