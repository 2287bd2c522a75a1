/** Everything about the key of the wallet, loaded when the wallet is opened. Owns: which parts are shown when. */
import { useVault } from "../../app/hooks.ts";
import { Backup } from "./backup.tsx";
import { Lock } from "./lock.tsx";
import { Restore } from "./restore.tsx";

export default function Keep({ signedIn }: { signedIn: boolean }) {
  const { state } = useVault();
  return (
    <>
      {signedIn && state !== "none" && (
        <>
          <Backup />
          {state !== "elsewhere" && <Lock />}
        </>
      )}
      <Restore />
    </>
  );
}
