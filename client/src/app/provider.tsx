/**
 * Runs the game under the page. Owns: one game for the life of the page, its browser dependencies.
 * Does not own: what the game does (game.ts).
 */
import { type ReactNode, useEffect, useState } from "react";
import { Provider } from "react-redux";
import { browserDeps } from "./browser.ts";
import { GameContext } from "./context.ts";
import { createGame } from "./game.ts";

export function GameProvider({ children }: { children: ReactNode }) {
  const [game] = useState(() => createGame(browserDeps(window)));
  useEffect(() => {
    game.start();
    return () => game.stop();
  }, [game]);
  return (
    <GameContext value={game}>
      <Provider store={game.store}>{children}</Provider>
    </GameContext>
  );
}
