/**
 * Providers of the shape that each wallet's extension puts on a page: methods, events, error codes.
 * Owns: their behaviour, good and bad. Does not own: keys; signatures are asked of the test. One function without
 * imports: browser tests send its text into the page.
 */

export interface InjectedAccount {
  address: string;
  /** Compressed, hex. */
  publicKey: string;
}

export interface SignRequest {
  /** Which account. */
  account: number;
  message: string;
  how: "ecdsa" | "bip322-simple" | "ed25519" | "brc100";
  keyID?: string;
}

export interface InjectedOptions {
  kind: "okx" | "unisat" | "phantom" | "yours" | "yours-legacy";
  accounts: InjectedAccount[];
  /** The extension comes only when the test starts it. */
  isLate?: boolean;
}

/** `silent`: no promise ever settles. `swap`: on the next account from the question on. `closed`: the window was closed. */
export type InjectedMood = "kind" | "reject" | "closed" | "locked" | "silent" | "swap" | "nonsense";

/** What a test does to the wallet. */
export interface InjectedWallet {
  mood: InjectedMood;
  /** From which call on: connecting is always first. */
  moodAt: "connect" | "sign" | "pay";
  account: number;
  network: string;
  canSwitchNetwork: boolean;
  calls: string[];
  paid: unknown[];
  start(): void;
  /** The person picks another account in the extension. */
  switchTo(account: number): void;
  /** The person signs out of the extension. */
  leave(): void;
}

/** A script (hex) and sat; answered with the transaction, hex. */
export type PayRequest = { script: string; sats: number }[];

/**
 * Puts a provider on `target`; `sign` answers with the signature in the wallet's encoding, bytes as hex; `pay` pays.
 */
export function injectWallet(
  target: EventTarget,
  options: InjectedOptions,
  sign: (request: SignRequest) => Promise<string>,
  pay: (outputs: PayRequest) => Promise<{ txid: string; tx: string }> = async () => ({
    txid: "ab".repeat(32),
    tx: `01010101${"cd".repeat(8)}`,
  }),
): InjectedWallet {
  const { kind, accounts, isLate = false } = options;
  const MAIN: Record<InjectedOptions["kind"], string> = {
    okx: "livenet",
    unisat: "BITCOIN_MAINNET",
    phantom: "",
    yours: "mainnet",
    "yours-legacy": "mainnet",
  };
  const listeners: Record<string, ((detail: unknown) => void)[]> = {};
  const on = (event: string, listener: (detail: unknown) => void): void => {
    listeners[event] = [...(listeners[event] ?? []), listener];
  };
  const off = (event: string, listener: (detail: unknown) => void): void => {
    listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener);
  };
  const emit = (event: string, detail?: unknown): void => {
    for (const listener of listeners[event] ?? []) listener(detail);
  };
  const fromHex = (hex: string): number[] =>
    (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));

  const wallet: InjectedWallet = {
    mood: "kind",
    moodAt: "connect",
    account: 0,
    network: MAIN[kind],
    canSwitchNetwork: true,
    calls: [],
    paid: [],
    start: () => providers[kind](),
    switchTo(account) {
      wallet.account = account;
      const { address, publicKey } = current();
      if (kind === "unisat") emit("accountsChanged", [address]);
      if (kind === "okx") {
        emit("accountsChanged", [address]);
        emit("accountChanged", { address, publicKey, compressedPublicKey: publicKey });
      }
      if (kind === "phantom") emit("accountChanged", solanaKey());
      if (kind === "yours") tell("switchAccount");
      if (kind === "yours-legacy") emit("switchAccount");
    },
    leave() {
      if (kind === "unisat") emit("accountsChanged", []);
      if (kind === "okx") emit("accountChanged", null);
      if (kind === "phantom") emit("disconnect");
      if (kind === "yours") tell("signedOut");
      if (kind === "yours-legacy") emit("signedOut");
    },
  };
  const tell = (action: string): void => {
    target.dispatchEvent(new CustomEvent("YoursEmitEvent", { detail: { action } }));
  };
  const current = (): InjectedAccount => {
    const account = accounts[wallet.account];
    if (account === undefined) throw new Error("no such account");
    return account;
  };
  const solanaKey = () => {
    const { address } = current();
    return { toString: () => address, toBase58: () => address };
  };

  const refusal = (): unknown => {
    if (kind === "yours-legacy")
      return wallet.mood === "closed" ? "User dismissed the request!" : "User declined the request";
    if (kind === "yours") return new Error("User rejected the request");
    if (wallet.mood === "closed") return { code: 4001, message: "User closed the window" };
    return Object.assign(new Error("User rejected the request."), { code: 4001 });
  };
  /** What every call that shows a window does first. */
  const window_ = async (step: "connect" | "sign" | "pay", call: string): Promise<void> => {
    wallet.calls.push(call);
    if (wallet.moodAt !== step) return;
    switch (wallet.mood) {
      case "silent":
        return await new Promise(() => undefined);
      case "reject":
      case "closed":
        throw refusal();
      case "locked":
        if (kind === "yours") throw new Error("Wallet is locked. Please unlock your wallet.");
        if (kind === "yours-legacy") throw "Unauthorized!";
        throw {
          code: 4100,
          message: "The requested method and/or account has not been authorized by the user.",
        };
      case "swap":
        wallet.account = (wallet.account + 1) % accounts.length;
        return;
      case "kind":
      case "nonsense":
    }
  };
  const quiet = <T>(call: string, value: T): Promise<T> => {
    wallet.calls.push(call);
    return Promise.resolve(value);
  };
  const isNonsense = (step: "connect" | "sign" | "pay"): boolean =>
    wallet.mood === "nonsense" && wallet.moodAt === step;
  const signed = async (message: string, how: SignRequest["how"], keyID?: string): Promise<string> => {
    await window_("sign", "signMessage");
    const request = { account: wallet.account, message, how, ...(keyID === undefined ? {} : { keyID }) };
    return isNonsense("sign") ? "c2lnbmF0dXJl" : await sign(request);
  };

  const bitcoin = () => ({
    async requestAccounts() {
      await window_("connect", "requestAccounts");
      return isNonsense("connect") ? [42] : [current().address];
    },
    getAccounts: () => quiet("getAccounts", [current().address]),
    getPublicKey: () => quiet("getPublicKey", current().publicKey),
    async signMessage(message: string, how?: string) {
      return await signed(message, how === "bip322-simple" ? how : "ecdsa");
    },
    disconnect: () => quiet("disconnect", undefined),
    on,
    removeListener: off,
  });

  const providers: Record<InjectedOptions["kind"], () => void> = {
    okx() {
      const provider = {
        ...bitcoin(),
        async connect() {
          await window_("connect", "connect");
          const { address, publicKey } = current();
          return isNonsense("connect") ? null : { address, publicKey, compressedPublicKey: publicKey };
        },
        getNetwork: () => quiet("getNetwork", wallet.network),
      };
      Object.assign(target, { okxwallet: { bitcoin: provider } });
    },
    unisat() {
      const provider = {
        ...bitcoin(),
        getChain: () =>
          quiet("getChain", { enum: wallet.network, name: wallet.network.toLowerCase(), network: "livenet" }),
        async switchChain(chain: string) {
          await window_("connect", "switchChain");
          if (!wallet.canSwitchNetwork)
            throw Object.assign(new Error("User rejected the request."), { code: 4001 });
          wallet.network = chain;
          return { enum: chain };
        },
      };
      // Somebody else sits where UniSat used to be.
      Object.assign(target, { unisat: { isOther: true }, unisat_wallet: provider });
      target.dispatchEvent(new Event("unisat#initialized"));
    },
    phantom() {
      const provider = {
        isPhantom: true,
        async connect(how?: { onlyIfTrusted: boolean }) {
          if (how?.onlyIfTrusted) return await quiet("connect silently", { publicKey: solanaKey() });
          await window_("connect", "connect");
          return isNonsense("connect") ? { publicKey: "0OIl" } : { publicKey: solanaKey() };
        },
        async signMessage(message: Uint8Array, encoding: string) {
          if (encoding !== "utf8") throw { code: -32000, message: "Invalid input" };
          const signature = await signed(new TextDecoder().decode(message), "ed25519");
          return { signature: Uint8Array.from(fromHex(signature)), publicKey: solanaKey() };
        },
        disconnect: () => quiet("disconnect", undefined),
        on,
        off,
      };
      Object.assign(target, { phantom: { solana: provider } });
    },
    yours() {
      const provider = {
        async waitForAuthentication() {
          await window_("connect", "waitForAuthentication");
          return { authenticated: true };
        },
        getNetwork: () => quiet("getNetwork", { network: wallet.network }),
        getPublicKey: ({ identityKey }: { identityKey: boolean }) =>
          quiet("getPublicKey", {
            publicKey: identityKey && !isNonsense("connect") ? current().publicKey : "02",
          }),
        async createSignature(args: {
          data: number[];
          protocolID: [number, string];
          keyID: string;
          counterparty: string;
        }) {
          const [level, name] = args.protocolID;
          if (level !== 2 || name !== "memerounds signin" || args.counterparty !== "anyone")
            throw new Error("not the protocol of this page");
          const message = new TextDecoder().decode(Uint8Array.from(args.data));
          return { signature: fromHex(await signed(message, "brc100", args.keyID)) };
        },
        async createAction(args: { outputs: { lockingScript: string; satoshis: number }[] }) {
          await window_("pay", "createAction");
          wallet.paid.push(args);
          if (isNonsense("pay")) return { txid: "?" };
          const { txid, tx } = await pay(
            args.outputs.map(({ lockingScript, satoshis }) => ({ script: lockingScript, sats: satoshis })),
          );
          return { txid, tx: fromHex(tx) };
        },
      };
      Object.assign(target, { CWI: provider });
    },
    "yours-legacy"() {
      const provider = {
        isReady: true,
        async connect() {
          await window_("connect", "connect");
          return isNonsense("connect") ? { decision: "approved" } : current().publicKey;
        },
        getNetwork: () => quiet("getNetwork", wallet.network),
        getAddresses: () => quiet("getAddresses", { identityAddress: current().address }),
        async signMessage({ message }: { message: string }) {
          const sig = await signed(message, "ecdsa");
          return { address: current().address, pubKey: current().publicKey, sig, message };
        },
        async sendBsv(outputs: { script: string; satoshis: number }[]) {
          await window_("pay", "sendBsv");
          wallet.paid.push(outputs);
          if (isNonsense("pay")) return undefined;
          const { txid, tx } = await pay(outputs.map(({ script, satoshis }) => ({ script, sats: satoshis })));
          return { txid, rawtx: tx };
        },
        disconnect: () => quiet("disconnect", true),
        on,
        removeListener: off,
      };
      Object.assign(target, { yours: provider, panda: provider });
    },
  };
  // The page's own text never has this name: it is how a test finds the wallet.
  Object.assign(target, { testWallet: wallet });
  if (!isLate) wallet.start();
  return wallet;
}
