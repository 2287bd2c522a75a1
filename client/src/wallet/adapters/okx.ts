/** OKX Wallet (I1): its Bitcoin provider. Owns: which of its calls are used. Does not own: the flow (bitcoin-adapter.ts). */
import { changeOf, createBitcoinAdapter } from "./bitcoin-adapter.ts";
import { createProvider, read, textOf } from "./foreign.ts";
import type { AdapterDeps, WalletAdapter } from "./types.ts";

const MAIN_NET = "Switch it to Bitcoin (main net) and try again.";

export function createAdapter(deps: AdapterDeps): WalletAdapter {
  const provider = createProvider("OKX Wallet", () => read(deps.host, "okxwallet", "bitcoin"), deps);
  return createBitcoinAdapter(
    {
      kind: "okx",
      provider,
      mainNet: MAIN_NET,
      async account() {
        const address = read(await provider.ask("connect"), "address");
        const network = provider.has("getNetwork") ? textOf(await provider.tell("getNetwork")) : undefined;
        if (network !== undefined && !/^(?:livenet|mainnet)$/.test(network))
          throw provider.refuse("WALLET_NETWORK", `OKX Wallet is on ${network.slice(0, 20)}. ${MAIN_NET}`);
        return address;
      },
      // Since version 2.77.1; without it the signature itself tells.
      current: async () =>
        provider.has("getAccounts") ? read(await provider.tell("getAccounts"), "0") : undefined,
      events: {
        accountsChanged: changeOf,
        // An object with the account; null when the wallet was disconnected.
        accountChanged: (detail) => changeOf(read(detail, "address")),
        disconnect: () => ({ kind: "left" }),
      },
    },
    deps,
  );
}
