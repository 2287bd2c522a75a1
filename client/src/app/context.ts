/** Hands the running game to hooks. Owns: the context. Does not own: making or starting a game (provider.tsx). */
import { createContext, useContext } from "react";
import type { Game } from "./game.ts";

export const GameContext = createContext<Game | undefined>(undefined);

/** Throws outside of <GameProvider>. */
export function useGame(): Game {
  const game = useContext(GameContext);
  if (game === undefined) throw new Error("useGame needs a <GameProvider> above it");
  return game;
}
