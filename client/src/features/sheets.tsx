/**
 * Which sheet is open: anything on the page may ask for one. Owns: that one fact. Does not own: the sheets.
 */
import { createContext, useContext } from "react";
import type { Exhibit } from "./gallery/exhibit.ts";

export type SheetState =
  | { kind: "none" }
  | { kind: "wallet"; reason?: string; backTo?: "enter" }
  | { kind: "enter" }
  | { kind: "viewer"; exhibit: Exhibit; backTo?: "enter" };

export interface Sheets {
  /** `reason` says why it opens; `backTo` is where closing it leads. */
  openWallet(reason?: string, backTo?: "enter"): void;
  openEnter(): void;
  openViewer(exhibit: Exhibit, backTo?: "enter"): void;
  close(): void;
}

export const SheetsContext = createContext<Sheets | undefined>(undefined);

export function useSheets(): Sheets {
  const sheets = useContext(SheetsContext);
  if (!sheets) throw new Error("useSheets needs the page above it");
  return sheets;
}
