/** Starts the page. Owns: mounting. Does not own: anything shown. */
// First: schemas decide as they are made.
import "./no-eval.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { GameProvider } from "./app/provider.tsx";
import { Page } from "./page.tsx";
import { ToastProvider } from "./ui/toast.tsx";
import "./styles.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <GameProvider>
      <ToastProvider>
        <Page />
      </ToastProvider>
    </GameProvider>
  </StrictMode>,
);
