/**
 * Every setting, checked whole at boot (O7). Owns: names, defaults, help texts. Nothing else reads the environment.
 * Does not own: which settings do not go together (mixtures.ts).
 */
import { hkdfSync } from "node:crypto";
import { networkSchema } from "@meme-rounds/shared-schema/records";
import { z } from "zod";
import { isTrust } from "./infra/client-ip.ts";
import { refusedMixtures } from "./mixtures.ts";

export const SERVICES = [
  "auth",
  "content",
  "round",
  "payment",
  "audience",
  "auditor",
  "payment-worker",
  "content-worker",
  "model-worker",
] as const;
export type ServiceName = (typeof SERVICES)[number];

const arcDialect = z.enum(["arc", "arcade"]);
const port = z.coerce.number().int().min(0).max(65_535);
const sats = z.coerce.number().int().positive().max(21e14);
const cap = z.coerce.number().int().min(1).max(1_000_000);
const share = z.coerce.number().min(0).max(1);
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

const schema = z.object({
  SERVICES: list
    .pipe(z.array(z.enum(SERVICES)).min(1))
    .default(["auth", "content", "round", "payment", "audience"])
    .describe("Which services this process runs, separated by commas."),
  NODE_ENV: z
    .enum(["development", "testing", "staging", "production"])
    .default("development")
    .describe("Environment."),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("Least level logged."),
  HOST: z.string().default("127.0.0.1").describe("Address to listen on."),
  PORT: port.default(2567).describe("Page, API and websocket; for workers only /healthz."),
  DATA_DIR: z.string().default(".data").describe("Keystores and the auditor's own record."),
  REDIS_URL: z.string().default("redis://127.0.0.1:6379").describe("Redis."),
  NETWORK: networkSchema.default("devchain").describe("devchain, test or main."),
  ARENA: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,15}$/)
    .default("main")
    .describe("The arena this cluster plays."),
  ROUND_SECONDS: z.coerce.number().int().min(20).max(86_400).default(600).describe("Round length, s (R3)."),
  ARC_URL: z.url().default("http://127.0.0.1:9090").describe("ARC, without a path."),
  ARC_API_KEY: z.string().optional().describe("Bearer key of ARC."),
  ARC_DIALECT: arcDialect.default("arc").describe("arc, or arcade where ARC_URL is its successor."),
  ARC2_URL: z.url().optional().describe("A second ARC, without a path; WhatsOnChain broadcasts otherwise."),
  ARC2_API_KEY: z.string().optional().describe("Bearer key of the second ARC."),
  ARC2_DIALECT: arcDialect.default("arc").describe("The second ARC's dialect."),
  CALLBACK_URL: z
    .url()
    .optional()
    .describe("Where ARC tells of changes: <this server>/api/chain/callback. Needs CALLBACK_TOKEN."),
  CALLBACK_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe("Bearer token that ARC brings along to CALLBACK_URL."),
  WOC_URL: z
    .url()
    .transform((url) => url.replace(/\/v1\/bsv\/(main|test)\/?$/, ""))
    .default("http://127.0.0.1:9090")
    .describe("WhatsOnChain, with or without its /v1/bsv/<network> path."),
  WOC_API_KEY: z.string().optional().describe("Key of WhatsOnChain."),
  WOC_REQUESTS_PER_SECOND: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe("What WhatsOnChain allows each process; 3 by default, without limit on the devchain."),
  DEVCHAIN_URL: z.url().optional().describe("Where the devchain's faucet is; only with NETWORK=devchain."),
  CHAIN_STORE: z
    .enum(["full", "winners"])
    .default("winners")
    .describe("Whose pictures go on chain: all accepted memes', or the winners' (M6)."),
  FLOAT_LOW_SATS: sats.default(1_000_000).describe("Below this many free sat an alarm goes off (M7)."),
  FLOAT_CAP_SATS: sats.default(100_000_000).describe("Above this many sat in the hot wallet, another (M7)."),
  WALLET_LANES: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .default(50)
    .describe("Coins the operator's float is split into (M7)."),
  LANE_SATS: sats.default(100_000).describe("sat of each of them (M7)."),
  UNMINED_CAP_SATS: sats.default(200_000_000).describe("Unmined deposits a round takes in all, sat (M1)."),
  AUDITOR_URL: z.url().default("http://127.0.0.1:2570").describe("The auditor's address."),
  AUDITOR_ARC_URL: z
    .url()
    .optional()
    .describe("The auditor's own ARC, so that it believes no node of the operator's; ARC_URL by default."),
  AUDITOR_ARC_API_KEY: z.string().optional().describe("Bearer key of AUDITOR_ARC_URL."),
  AUDITOR_WOC_URL: z
    .url()
    .transform((url) => url.replace(/\/v1\/bsv\/(main|test)\/?$/, ""))
    .optional()
    .describe("The auditor's own WhatsOnChain; WOC_URL by default."),
  AUDITOR_PORT: port.default(2570).describe("Where the auditor listens."),
  AITUBO_URL: z.url().default("https://api.aitubo.ai").describe("AITubo's API."),
  AITUBO_API_KEY: z.string().optional().describe("AITubo's key; without it models are made locally (C3)."),
  AITUBO_MODEL_ID: z
    .string()
    .regex(/^[0-9a-f]{24}$/)
    .optional()
    .describe("The model AITubo draws with, 24 hex characters; its own default without."),
  NSFW_REJECT: share
    .default(0.85)
    .describe("Pictures the classifier finds this explicit, 0..1, are rejected (C2, docs/MODERATION.md)."),
  NSFW_REVIEW: share.default(0.3).describe("From here on a moderator decides, 0..1 (C2)."),
  NSFW_REVIEW_SUGGESTIVE: share
    .default(0.75)
    .describe("The same for pictures that are only suggestive, 0..1 (C2)."),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Where others reach this server, https; AITubo fetches pictures there (C8)."),
  MEDIA_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe("Signs the addresses given to AITubo; derived from the passphrase by default."),
  KEYSTORE_PASSPHRASE: z.string().min(8).describe("Opens the keystores (M7)."),
  JWT_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe("Signs access tokens; derived from the passphrase by default."),
  JWT_OLD_SECRETS: list
    .pipe(z.array(z.string().min(32)))
    .default([])
    .describe("Secrets that JWT_SECRET replaced, separated by commas; keep them for 15 minutes (I2)."),
  DOMAIN: z.string().default("localhost:2567").describe("Host people see in the text they sign (I2)."),
  ADMINS: list.default([]).describe("Identity strings with the role admin (I4)."),
  MODERATORS: list.default([]).describe("Identity strings with the role moderator (I4)."),
  PUBLIC_ADDRESS: z
    .string()
    .optional()
    .describe("host[:port] under which clients reach this process's sockets."),
  AUDIENCE_TRANSPORT: z
    .enum(["ws", "uws"])
    .default("ws")
    .describe("What carries a relay's spectators: ws, or uws on UWS_PORT (docs/OPERATIONS.md, Scaling)."),
  UWS_PORT: port
    .default(2_590)
    .describe("With AUDIENCE_TRANSPORT=uws: where a relay's spectators come in; PUBLIC_ADDRESS leads there."),
  UWS_MODULE: z
    .string()
    .default("uWebSockets.js")
    .describe("With AUDIENCE_TRANSPORT=uws: the package, or the folder it is installed in."),
  METRICS_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe("Bearer token that opens /metrics to other machines; without it only this one may read."),
  TRUST_PROXY: z
    .string()
    .default("")
    .refine(isTrust, "it names no proxy")
    .describe(
      "Proxies whose X-Forwarded-For is believed: how many hops, or addresses, CIDRs and the word loopback, separated by commas; none by default (I5).",
    ),
  CORS_ORIGINS: list
    .default([])
    .describe(
      "Other origins whose pages may use the API and play, https://host; only our own page by default.",
    ),
  PAGE_CONNECT: list
    .default([])
    .describe("Further origins the page may read: relays under names of their own, wss://host."),
  CONNECTIONS_PER_IP: cap
    .default(1_000)
    .describe("Connections one address may hold; loopback any number (I5)."),
  SOCKETS_PER_IP: cap.default(500).describe("Websockets one address may hold; loopback any number (I5)."),
  SECURITY_CONTACT: list
    .default([])
    .describe("mailto: or https: of who is told of a weakness; security@DOMAIN by default."),
  SECURITY_EXPIRES_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(365)
    .default(180)
    .describe("For how many days /.well-known/security.txt says it holds."),
  DRAIN_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .default(660)
    .describe("How long a stopping process may finish (R11)."),
  DRAIN_GRACE_SECONDS: z.coerce
    .number()
    .min(0)
    .default(2)
    .describe(
      "A stopping process serves on for so long after /readyz has said no, within DRAIN_SECONDS: longer than load balancers take to notice.",
    ),
});

type Secret = "JWT_SECRET" | "MEDIA_SECRET";
export type Config = Omit<z.output<typeof schema>, Secret> & Record<Secret, string>;

/** A setting that is wrong, in words an operator can act on. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

type Env = Record<string, string | undefined>;

/** Throws ConfigError naming every bad setting and its help text. */
function parse<S extends z.ZodObject>(shape: S, env: Env): z.output<S> {
  const parsed = shape.safeParse(env);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `${name}: ${issue.message}. ${shape.shape[name]?.description ?? ""}`;
  });
  throw new ConfigError(lines.join("\n"));
}

/** An empty variable is one that is not set. */
const filled = (env: Env): Env =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));

/** Checks the environment whole. Throws ConfigError naming every bad setting, or every dangerous mixture. */
export function readConfig(env: Env): Config {
  const given = filled(env);
  const config = parse(schema, given);
  const refused = refusedMixtures(config, given);
  if (refused.length > 0) throw new ConfigError(refused.join("\n"));
  const derived = (purpose: string) => derive(config.KEYSTORE_PASSPHRASE, purpose);
  return {
    ...config,
    JWT_SECRET: config.JWT_SECRET ?? derived("access tokens"),
    MEDIA_SECRET: config.MEDIA_SECRET ?? derived("signed media"),
  };
}

const keysSchema = schema.pick({ NETWORK: true, DATA_DIR: true }).extend({
  KEYSTORE_PASSPHRASE: z
    .string({ error: "it is not set" })
    .describe("Opens the keystore. What npm start made up itself is in DATA_DIR/keys/passphrase."),
  KEYSTORE_PASSPHRASE_NEW: z.string().optional().describe("What the passphrase is changed to."),
});
export type KeysConfig = z.output<typeof keysSchema>;

/** What `npm run keys` needs of the environment. Throws ConfigError. */
export const readKeysConfig = (env: Env): KeysConfig => parse(keysSchema, filled(env));

const derive = (passphrase: string, purpose: string): string =>
  Buffer.from(hkdfSync("sha256", passphrase, "meme-rounds", purpose, 32)).toString("hex");

/** Name, default and help of every setting, for `node server/src/main.ts --settings`. */
export const settingsTable = (): string =>
  Object.entries(schema.shape)
    .map(([name, one]) => `${name.padEnd(20)} ${one.description ?? ""}`)
    .join("\n");
