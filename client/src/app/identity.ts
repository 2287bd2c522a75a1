/**
 * Who is playing: signing in with a wallet, and again when the session has ended (I1, I2).
 * Owns: which wallet speaks for the person, and what signing in needs first. Does not own: tokens (net/session.ts),
 * wallets (wallet/adapters), the play key (wallet/play-wallet.ts).
 */
import type { Network } from "@meme-rounds/shared-schema/records";
import type { Api } from "../net/api.ts";
import type { Claimant, Session } from "../net/session.ts";
import { createManualAdapter } from "../wallet/adapters/manual.ts";
import { claimantOf } from "../wallet/claim.ts";
import type { PlayWallet } from "../wallet/play-wallet.ts";
import { failure, type Outcome } from "./model.ts";

export interface Identity {
  /** The wallet to sign in with when the session has ended. */
  claimant(): Promise<Claimant>;
  /** A key where there is none; fails where the browser keeps no keys. */
  createWallet(): Promise<Outcome>;
  signIn(): Promise<Outcome>;
}

export interface IdentityDeps {
  session: Pick<Session, "signIn">;
  wallet: Pick<PlayWallet, "open">;
  api: Pick<Api, "current">;
  network: () => Network;
  /** Whether it is known which network this server plays on. */
  knowsNetwork: () => boolean;
  heardNetwork: (network: Network) => void;
  /** Somebody else is playing from now on. */
  signedIn: () => void;
}

const NO_KEYS =
  "This browser does not let the page keep a key. Leave private browsing or use another browser.";

export function createIdentity(deps: IdentityDeps): Identity {
  const { session, wallet, api } = deps;
  const adapter = createManualAdapter({
    secret: async () => (await wallet.open()).secret,
    network: deps.network,
  });
  const claimant = async (): Promise<Claimant> => await claimantOf(adapter, await wallet.open());

  const createWallet = async (): Promise<Outcome> => {
    try {
      await wallet.open();
      return { ok: true };
    } catch {
      return failure("INTERNAL", NO_KEYS);
    }
  };

  return {
    claimant,
    createWallet,
    async signIn() {
      const made = await createWallet();
      if (!made.ok) return made;
      // The address has a network in it; the first answer of the server says which.
      if (!deps.knowsNetwork()) {
        const current = await api.current();
        if (!current.ok) return current;
        deps.heardNetwork(current.data.network);
      }
      const outcome = await session.signIn(await claimant());
      if (outcome.ok) deps.signedIn();
      return outcome;
    },
  };
}
