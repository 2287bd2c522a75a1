/**
 * What the page shows of wallet and person, from the parts as they are now. Owns: putting it into the store.
 * Does not own: the live round (live.ts), finished rounds (finished.ts), who reads it (hooks.ts).
 */
import type { Parts } from "./parts.ts";
import { NOBODY, show } from "./store.ts";

/** `busy`: an action with the wallet is under way. */
export function showPerson(
  { store, session, consent, wallet, vaultPart, identity, autoJoin }: Parts,
  busy: boolean,
): void {
  const key = wallet.key();
  const address = wallet.address();
  const signedIn = session.isRemembered() && key !== undefined;
  store.dispatch(
    show.wallet({
      exists: key !== undefined,
      address,
      balanceSats: wallet.balanceSats(),
      busy,
      history: wallet.history(),
      autoJoin: autoJoin.settings(),
    }),
  );
  store.dispatch(
    show.me(
      signedIn
        ? {
            signedIn,
            address,
            playKey: key.playKey,
            name: session.user()?.name ?? store.getState().me.name,
            termsDue: consent.due(session.user()),
          }
        : { ...NOBODY, address, playKey: key?.playKey ?? "" },
    ),
  );
  store.dispatch(show.vault(vaultPart.view()));
  store.dispatch(show.signer(identity.view()));
}
