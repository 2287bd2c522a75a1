/**
 * The page's state (Redux Toolkit). Owns: slices round, me, wallet, vault, signer, finished, drain, lists, notices, and their types.
 * Does not own: where values come from (game.ts) or who reads them (hooks.ts).
 */
import { configureStore, createSlice, type PayloadAction } from "@reduxjs/toolkit";
import type { GalleryItem, RoundSummary } from "../net/api.ts";
import { NO_AUTO_JOIN } from "../wallet/spending.ts";
import type { FinishedVm, MeVm, NoticeVm, RoundVm, WalletVm } from "./model.ts";
import { NO_SIGNER, type SignerVm } from "./signer-model.ts";
import { NO_VAULT, type VaultVm } from "./vault-model.ts";

export const NOBODY: MeVm = {
  signedIn: false,
  playKey: "",
  address: "",
  name: "",
  inRoundSats: 0,
  depositedSats: 0,
  spentSats: 0,
  entries: [],
  termsDue: 0,
};
const NO_WALLET: WalletVm = {
  exists: false,
  address: "",
  balanceSats: 0,
  busy: false,
  history: [],
  autoJoin: NO_AUTO_JOIN,
};
const MAX_NOTICES = 20;

/** The same object where nothing in it changed, so that nothing is drawn again. */
function merged<T extends object>(state: T, change: Partial<T>): T {
  const keys = Object.keys(change) as (keyof T)[];
  return keys.every((key) => state[key] === change[key]) ? state : { ...state, ...change };
}

const round = createSlice({
  name: "round",
  initialState: (): { view: RoundVm | undefined } => ({ view: undefined }),
  reducers: {
    // Replaced whole: the view is made so that unchanged memes keep their object.
    shown: (_state, action: PayloadAction<RoundVm>) => ({ view: action.payload }),
  },
});

const me = createSlice({
  name: "me",
  initialState: (): MeVm => NOBODY,
  reducers: {
    changed: (state, action: PayloadAction<Partial<MeVm>>) => merged<MeVm>(state, action.payload),
  },
});

const wallet = createSlice({
  name: "wallet",
  initialState: (): WalletVm => NO_WALLET,
  reducers: {
    changed: (state, action: PayloadAction<Partial<WalletVm>>) => merged<WalletVm>(state, action.payload),
  },
});

const vault = createSlice({
  name: "vault",
  initialState: (): VaultVm => NO_VAULT,
  reducers: {
    shown: (_state, action: PayloadAction<VaultVm>) => action.payload,
  },
});

const signer = createSlice({
  name: "signer",
  initialState: (): SignerVm => NO_SIGNER,
  reducers: {
    shown: (_state, action: PayloadAction<SignerVm>) => action.payload,
  },
});

const finished = createSlice({
  name: "finished",
  initialState: (): { view: FinishedVm | undefined } => ({ view: undefined }),
  reducers: {
    shown: (_state, action: PayloadAction<FinishedVm>) => ({ view: action.payload }),
  },
});

/** R11: the server that this page is connected to stops; `until` in ms of the server's clock. */
export interface DrainVm {
  text: string;
  until: number;
}

const drain = createSlice({
  name: "drain",
  initialState: (): { view: DrainVm | undefined } => ({ view: undefined }),
  reducers: {
    shown: (_state, action: PayloadAction<DrainVm | undefined>) => ({ view: action.payload }),
  },
});

interface ListsState {
  rounds: RoundSummary[];
  gallery: GalleryItem[];
  /** Where the gallery goes on; undefined before the first page and after the last. */
  galleryNext: string | undefined;
  galleryLoading: boolean;
  galleryLoaded: boolean;
}

const lists = createSlice({
  name: "lists",
  initialState: (): ListsState => ({
    rounds: [],
    gallery: [],
    galleryNext: undefined,
    galleryLoading: false,
    galleryLoaded: false,
  }),
  reducers: {
    changed: (state, action: PayloadAction<Partial<ListsState>>) => ({ ...state, ...action.payload }),
  },
});

const notices = createSlice({
  name: "notices",
  initialState: (): NoticeVm[] => [],
  reducers: {
    added: (state, action: PayloadAction<NoticeVm>) =>
      [...state.filter(({ id }) => id !== action.payload.id), action.payload].slice(-MAX_NOTICES),
    dismissed: (state, action: PayloadAction<string>) => state.filter(({ id }) => id !== action.payload),
  },
});

export const show = {
  round: round.actions.shown,
  me: me.actions.changed,
  wallet: wallet.actions.changed,
  vault: vault.actions.shown,
  signer: signer.actions.shown,
  finished: finished.actions.shown,
  drain: drain.actions.shown,
  lists: lists.actions.changed,
  notice: notices.actions.added,
  dismiss: notices.actions.dismissed,
};

export const createStore = () =>
  configureStore({
    reducer: {
      round: round.reducer,
      me: me.reducer,
      wallet: wallet.reducer,
      vault: vault.reducer,
      signer: signer.reducer,
      finished: finished.reducer,
      drain: drain.reducer,
      lists: lists.reducer,
      notices: notices.reducer,
    },
    // State comes ten times a second with up to 200 memes: walking all of it to look for mistakes is too slow.
    middleware: (defaults) => defaults({ immutableCheck: false, serializableCheck: false }),
  });

export type Store = ReturnType<typeof createStore>;
export type PageState = ReturnType<Store["getState"]>;
