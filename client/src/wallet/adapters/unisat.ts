/** UniSat (I1). Owns: which of its calls are used, and getting it to the main net. Does not own: the flow (bitcoin-adapter.ts). */
import { changeOf, createBitcoinAdapter } from "./bitcoin-adapter.ts";
import { createProvider, read, textOf } from "./foreign.ts";
import type { AdapterDeps, WalletAdapter } from "./types.ts";

const MAIN_CHAIN = "BITCOIN_MAINNET";
const MAIN_NET = "Switch it to Bitcoin (main net) and try again.";

export function createAdapter(deps: AdapterDeps): WalletAdapter {
  const provider = createProvider(
    "UniSat",
    // Others put themselves where UniSat used to be: its own name comes first.
    () => read(deps.host, "unisat_wallet") ?? read(deps.host, "unisat"),
    deps,
  );

  /** Fractal's addresses look like Bitcoin's: only the chain's name tells. */
  const chain = async (): Promise<{ isMain: boolean; name: string }> => {
    if (provider.has("getChain")) {
      const answer = await provider.tell("getChain");
      const found = textOf(read(answer, "enum")) ?? "";
      return { isMain: found === MAIN_CHAIN, name: textOf(read(answer, "name")) ?? found };
    }
    const network = textOf(await provider.tell("getNetwork")) ?? "";
    return { isMain: network === "livenet", name: network };
  };

  const toMain = async (): Promise<void> => {
    const before = await chain();
    if (before.isMain) return;
    const away = `UniSat is on ${before.name.slice(0, 30) || "another network"}.`;
    try {
      if (provider.has("switchChain")) await provider.ask("switchChain", MAIN_CHAIN);
      else if (provider.has("switchNetwork")) await provider.ask("switchNetwork", "livenet");
    } catch {
      // Declined: the sentence below says what has to be done by hand.
    }
    if (!(await chain()).isMain) throw provider.refuse("WALLET_NETWORK", `${away} ${MAIN_NET}`);
  };

  return createBitcoinAdapter(
    {
      kind: "unisat",
      provider,
      mainNet: MAIN_NET,
      async account() {
        const first = textOf(read(await provider.ask("requestAccounts"), "0"));
        if (first === undefined) return undefined;
        await toMain();
        // Another chain has another address.
        return read(await provider.tell("getAccounts"), "0");
      },
      current: async () => read(await provider.tell("getAccounts"), "0"),
      events: {
        accountsChanged: changeOf,
        disconnect: () => ({ kind: "left" }),
      },
    },
    deps,
  );
}
