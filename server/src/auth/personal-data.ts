/**
 * What the Auth Service itself keeps about a person (I6), as parts of the export. Owns: that list and its order.
 * Does not own: the stores.
 */
import { CodedError } from "@meme-rounds/shared-schema/errors";
import type { PersonalData } from "../infra/personal-data.ts";
import type { Consents } from "./consent.ts";
import type { PlayKeys } from "./play-keys.ts";
import type { PlayLimits } from "./play-limits.ts";
import type { Sessions } from "./sessions.ts";
import type { Users } from "./users.ts";

export interface OwnDataDeps {
  users: Pick<Users, "stored" | "forget">;
  sessions: Pick<Sessions, "list" | "revoke">;
  playKeys: Pick<PlayKeys, "list">;
  consents: Pick<Consents, "all" | "reduce">;
  limits: Pick<PlayLimits, "view" | "rounds" | "forget">;
  /** M6: the chain gets a newer profile record, with the name everybody begins with. */
  renamed(profile: { identity: string; playKey: string; name: string }): Promise<void>;
}

/** The sessions come last: by them the deletion is asked for again after a crash. */
export function ownPersonalData(deps: OwnDataDeps): PersonalData[] {
  const { users, sessions, playKeys, consents, limits } = deps;
  return [
    {
      name: "limits",
      exportOf: async ({ identity }) => ({
        ...(await limits.view(identity)),
        roundsOfLast30Days: await limits.rounds(identity),
      }),
      forget: ({ identity }) => limits.forget(identity),
    },
    {
      name: "consents",
      exportOf: ({ identity }) => consents.all(identity),
      forget: ({ identity }) => consents.reduce(identity),
    },
    {
      name: "profile",
      exportOf: async ({ identity }) => ({
        ...(await users.stored(identity)),
        playKeys: await playKeys.list(identity),
      }),
      // Play keys stay bound, and revoked ones revoked (I2).
      async forget({ identity, playKeys: [playKey] }) {
        const { name, avatar } = await users.stored(identity);
        const plain = `player ${identity.slice(-6)}`;
        // The chain first: after a crash the old name is still here and says that there is something to do.
        if (playKey !== undefined && name !== undefined && (name !== plain || avatar !== undefined))
          await deps.renamed({ identity, playKey, name: plain });
        await users.forget(identity);
      },
    },
    {
      name: "sessions",
      exportOf: ({ identity }) => sessions.list(identity),
      async forget({ identity }) {
        // The last used one is most likely the one that asks: it goes last.
        for (const { id } of (await sessions.list(identity)).reverse())
          await sessions.revoke(identity, id).catch((error: unknown) => {
            // It has ended meanwhile, which is what was wanted.
            if (!(error instanceof CodedError) || error.code !== "SESSION_UNKNOWN") throw error;
          });
      },
    },
  ];
}
