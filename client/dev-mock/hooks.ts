/** The hooks' stand-in for `vite --mode mock`: the same names, made-up scenes. Never in a production build. */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import {
  failure,
  type GameActions,
  type MeVm,
  type NoticeVm,
  type Outcome,
  type WalletVm,
} from "../src/app/model.ts";
import { NO_SIGNER, type SignerActions } from "../src/app/signer-model.ts";
import { NO_VAULT, type VaultActions, type VaultVm } from "../src/app/vault-model.ts";
import { finishedOf, galleryOf, roundOf } from "./scenes.ts";

const query = new URLSearchParams(location.search);
const scene = query.get("scene") ?? "open";
const start = Date.now();
const freeze = query.has("freeze");

const made = query.has("in") || scene === "broke";
let world = {
  round: roundOf(scene, start),
  wallet: {
    exists: made,
    address: "1MemeRoundsPLayerAddress9xQ2vT7u",
    balanceSats: made ? 84_310 : 0,
    busy: false,
    history: [],
  } as WalletVm,
  me: {
    signedIn: made,
    playKey: "02aa",
    address: "1MemeRoundsPLayerAddress9xQ2vT7u",
    name: "",
    inRoundSats: made && scene !== "broke" ? 6_770 : 0,
    depositedSats: made && scene !== "broke" ? 9_000 : 0,
    spentSats: 2_200,
    entries: [],
  } as MeVm,
};
const listeners = new Set<() => void>();
const set = (change: Partial<typeof world>) => {
  world = { ...world, ...change };
  for (const one of listeners) one();
};
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const useWorld = () => useSyncExternalStore(subscribe, () => world);
const soon = <T>(value: T, ms = 500): Promise<T> => new Promise((done) => setTimeout(() => done(value), ms));
const ok: Outcome = { ok: true };

export const useRound = () => useWorld().round;
export const useMe = () => useWorld().me;
export const useWallet = () => useWorld().wallet;
export const useDrain = () => undefined;
export const useFinished = () => useMemo(() => finishedOf(scene, start), []);
export const useRounds = () => {
  const finished = useFinished();
  return finished
    ? [finished.detail, { ...finished.detail, roundId: "main-1795374000", outcome: "voided" as const }]
    : [];
};
export const useRoundDetail = (_roundId: string, _isChanging: (detail: RoundDetail) => boolean) => ({
  detail: useFinished()?.detail,
  failure: undefined,
  retry: () => {},
});
export const useGallery = () => ({
  items: useMemo(() => galleryOf(start), []),
  loadMore: () => {},
  loading: false,
  hasMore: true,
});
export const useNotices = (): { notices: NoticeVm[]; dismiss(id: string): void } => ({
  notices: [],
  dismiss: () => {},
});

export function useServerNow(everyMs = 250): number {
  const [now, setNow] = useState(freeze ? start : Date.now());
  useEffect(() => {
    if (freeze) return;
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

const boosted = (memeId: string, sats: number) => {
  const memes = world.round.memes
    .map((one) =>
      one.memeId === memeId
        ? { ...one, boostSats: one.boostSats + sats, myBoostSats: one.myBoostSats + sats }
        : one,
    )
    .sort((a, b) => b.boostSats - a.boostSats)
    .map((one, i) => ({ ...one, rank: i + 1 }));
  set({
    round: { ...world.round, memes, pot: world.round.pot + sats },
    me: { ...world.me, inRoundSats: world.me.inRoundSats - sats },
  });
};

const signedIn = (is: boolean) => set({ me: { ...world.me, signedIn: is } });
const filled = (sats: number) =>
  set({ wallet: { ...world.wallet, balanceSats: world.wallet.balanceSats + sats } });
const then = async (effect: () => void): Promise<Outcome> => {
  await soon(ok);
  effect();
  return ok;
};

const actions: GameActions = {
  createWallet: () => then(() => set({ wallet: { ...world.wallet, exists: true } })),
  signIn: () => then(() => signedIn(true)),
  signOut: () => then(() => signedIn(false)),
  faucet: () => then(() => filled(100_000)),
  deposit: async (sats) => {
    await soon(ok, 900);
    if (sats > world.wallet.balanceSats) return failure("DEPOSIT_AMOUNT_HIGH", "");
    set({
      wallet: { ...world.wallet, balanceSats: world.wallet.balanceSats - sats },
      me: { ...world.me, inRoundSats: world.me.inRoundSats + sats - 30 },
    });
    return ok;
  },
  upload: async () =>
    soon(
      {
        ...ok,
        checked: {
          contentId: "c1",
          memeId: "ab".repeat(32),
          title: "A mock",
          status: "approved",
          reasons: [],
          mode: "auto",
          appeal: "none",
        },
      },
      900,
    ),
  recheck: async () => soon(ok, 900),
  appeal: async () => soon(ok, 900),
  preview: async () => soon(ok, 900),
  setMode: async () => soon(ok),
  enter: async () => soon(ok),
  boost: async (memeId, sats) => {
    await soon(ok, 350);
    if (sats > world.me.inRoundSats) return failure("DEPOSIT_OVERSPENT", "");
    boosted(memeId, sats);
    return ok;
  },
  chat: async (text) => {
    const seq = world.round.chat.length + 1;
    set({
      round: {
        ...world.round,
        chat: [...world.round.chat, { seq, playKey: "02aa", at: Date.now(), text, mine: true }],
      },
    });
    return soon(ok, 200);
  },
  report: async () => soon(ok),
  setName: async () => soon(ok),
  reclaimable: async () => soon({ ok: true, deposits: [] }),
  reclaim: async () => soon(ok),
};
export const useActions = () => actions;
export const useVault = (): VaultVm => ({
  ...NO_VAULT,
  state: useWorld().wallet.exists ? "open" : "none",
  hasWords: true,
  remind: query.has("remind"),
});
const vault: VaultActions = {
  open: async () => soon(ok),
  unlock: async () => soon(ok),
  takeOver: async () => soon(ok),
  decline: () => {},
  lock: () => {},
  setPassphrase: async () => soon(ok),
  setAutoLock: () => {},
  words: async () =>
    soon({ ok: true, words: "twelve words in a mock are always the same twelve words here".split(" ") }),
  wif: async () => soon({ ok: true, wif: "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn" }),
  file: async () => soon({ ok: true, backup: { fileName: "meme-rounds-key.json", json: "{}" } }),
  saved: () => {},
  dismiss: () => {},
  restore: async () => soon(ok),
  formers: async () => soon([]),
  bringBack: async () => soon(ok),
};
export const useVaultActions = () => vault;

export const useSigner = () => NO_SIGNER;
export const useSignerActions = (): SignerActions => ({
  signIn: () => soon(ok),
  cancel: () => undefined,
  stay: () => undefined,
});
