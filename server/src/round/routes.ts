/** REST of the Round Service: the live snapshot, the archive, journals and proofs. Owns: these routes only. */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { ServerVersion } from "@meme-rounds/shared-schema/protocol";
import { entrySchema } from "@meme-rounds/shared-schema/records";
import {
  proofAnswer,
  type RoundDetail,
  roundDetail,
  roundsAnswer,
  snapshotSchema,
} from "@meme-rounds/shared-schema/rest";
import { z } from "zod";
import { type Route, route } from "../infra/http.ts";
import { LIMITS } from "../infra/limits.ts";
import type { Redis } from "../infra/redis.ts";
import { coveredSnapshot, enteredOf, withoutTitles } from "./covered.ts";
import { isLasting, type RoundDetails } from "./details.ts";
import type { RoundDirectory } from "./directory.ts";
import { readJournal } from "./journal-store.ts";
import type { AudiencePort, PaymentPort, StandingPort } from "./ports.ts";

const arena = z.string().min(1).max(32).default("main");
const idParams = z.object({ id: z.string().max(64) });
const PAGE = 20;
/** What is there of a round changes for some minutes after it; pages ask for it meanwhile. */
const CHANGING = "public, max-age=1";
/** At an edge as long as pictures: what is taken down has to go from there, too (C6). */
const LASTING = "public, max-age=5, s-maxage=60";

export interface RouteDeps {
  redis: Redis;
  directory: RoundDirectory;
  payment: PaymentPort;
  content: StandingPort;
  audience: Pick<AudiencePort, "relays">;
  details: RoundDetails;
  version: ServerVersion;
}

export function roundRoutes(deps: RouteDeps): Route[] {
  const { redis, directory, payment, content, audience } = deps;
  const { detailOf, finished: finishedOr } = deps.details;

  return [
    route({
      method: "get",
      path: "/rounds/current",
      summary: "The live round's public snapshot, with what a wallet needs to build a deposit",
      auth: "none",
      query: z.object({ arena }),
      answer: snapshotSchema,
      cache: "public, max-age=1",
      holdMs: 500,
      keeps: ["ROUND_NONE"],
      errors: ["ROUND_NONE", "BAD_REQUEST"],
      async handler({ query }) {
        const snapshot = await directory.snapshot(query.arena);
        if (!snapshot) throw new CodedError("ROUND_NONE");
        const [standings, relays, before] = await Promise.all([
          content.standingOf(snapshot.memes.map(({ memeId }) => memeId)),
          audience.relays(),
          directory.before(query.arena, snapshot.opensAt),
        ]);
        return {
          ...coveredSnapshot(snapshot, standings),
          ...(relays.length > 0 ? { relays } : {}),
          ...(before === undefined ? {} : { before }),
          server: deps.version,
        };
      },
    }),
    route({
      method: "get",
      path: "/rounds",
      summary: "Finished rounds, newest first",
      auth: "none",
      query: z.object({ arena, cursor: z.coerce.number().int().positive().optional() }),
      answer: roundsAnswer,
      cache: "public, max-age=2",
      holdMs: 1_000,
      errors: ["BAD_REQUEST"],
      async handler({ query }) {
        const rounds = await directory.page(query.arena, query.cursor, PAGE);
        const last = rounds.at(-1);
        const details = await Promise.all(rounds.map(detailOf));
        return {
          rounds: details.map((round) => roundSummaryOf(round)),
          ...(last && rounds.length === PAGE ? { next: String(last.opensAt) } : {}),
        };
      },
    }),
    route({
      method: "get",
      path: "/rounds/:id",
      summary: "One finished round: ranking, payouts, models, settlement",
      auth: "none",
      params: idParams,
      answer: roundDetail,
      cache: (detail) => (isLasting(detail) ? LASTING : CHANGING),
      holdMs: 500,
      keeps: ["ROUND_UNKNOWN", "ROUND_LIVE"],
      errors: ["ROUND_UNKNOWN", "ROUND_LIVE"],
      async handler({ params }) {
        return await detailOf(await finishedOr(params.id));
      },
    }),
    route({
      method: "get",
      path: "/rounds/:id/journal",
      summary: "The whole journal as NDJSON, one entry a line",
      auth: "none",
      params: idParams,
      answer: entrySchema,
      produces: "application/x-ndjson",
      keeps: ["ROUND_UNKNOWN", "ROUND_LIVE", "JOURNAL_PRIVATE"],
      errors: ["ROUND_UNKNOWN", "ROUND_LIVE", "JOURNAL_PRIVATE"],
      limit: LIMITS.journal,
      async handler({ params, res }) {
        const round = await finishedOr(params.id);
        // R6: creators of a voided round are never revealed, and vouchers name them.
        if (round.outcome === "voided") throw new CodedError("JOURNAL_PRIVATE");
        res.set({ "Content-Type": "application/x-ndjson", "Cache-Control": LASTING });
        const entries = await readJournal(redis, params.id);
        const standings = await content.standingOf(enteredOf(entries));
        const taken = new Set([...standings].flatMap(([id, standing]) => (standing === "taken" ? [id] : [])));
        for (const entry of withoutTitles(entries, taken)) res.write(`${JSON.stringify(entry)}\n`);
        res.end();
        return undefined;
      },
    }),
    route({
      method: "get",
      path: "/rounds/:id/proof",
      summary: "Where a finished round's money went, and where the chain holds its journal",
      auth: "none",
      params: idParams,
      answer: proofAnswer,
      cache: CHANGING,
      // Each reads the round's whole journal.
      holdMs: 1_000,
      keeps: ["ROUND_UNKNOWN", "ROUND_LIVE"],
      errors: ["ROUND_UNKNOWN", "ROUND_LIVE"],
      async handler({ params }) {
        const round = await finishedOr(params.id);
        const { roundId } = round;
        const [entries, settlement, ledger, heads, cost] = await Promise.all([
          readJournal(redis, roundId),
          payment.settlementOf(roundId),
          payment.ledgerOf(roundId),
          payment.headsOf(roundId),
          payment.costOf(roundId),
        ]);
        const open = entries[0]?.record;
        if (open?.kind !== "open") throw new CodedError("ROUND_UNKNOWN");
        const { operatorKey, auditorKey, receiptKey } = open.body;
        const dropped = new Set(
          entries.flatMap(({ record }) => (record.kind === "freeze" ? record.body.dropped : [])),
        );
        const collected = settlement?.state === "sent" || settlement?.state === "mined";
        const deposits = entries.flatMap(({ record }) => {
          if (record.kind !== "deposit") return [];
          const outpoint = `${record.body.txid}:${record.body.vout}`;
          const state = collected && !dropped.has(outpoint) ? ("collected" as const) : ("open" as const);
          return [{ outpoint, state }];
        });
        return {
          journalHash: round.journalHash,
          ...(ledger === undefined ? {} : { link: ledger.link }),
          ...(ledger?.journalTxid === undefined ? {} : { journalTxid: ledger.journalTxid }),
          settlement: settlement?.txids ?? [],
          deposits,
          heads,
          publicKeys: { operatorKey, auditorKey, receiptKey, auditorHeadKey: payment.keys().auditorHeadKey },
          cost,
        };
      },
    }),
  ];
}

function roundSummaryOf(round: RoundDetail) {
  const {
    roundId,
    arena: name,
    opensAt,
    closesAt,
    outcome,
    reason,
    pot,
    players,
    memes,
    winner,
    settlement,
  } = round;
  return {
    roundId,
    arena: name,
    opensAt,
    closesAt,
    outcome,
    pot,
    players,
    memes,
    settlement,
    ...(reason === undefined ? {} : { reason }),
    ...(winner === undefined ? {} : { winner }),
  };
}
