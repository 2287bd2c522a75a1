/** Stands in for the store in `vite --mode mock`. */
import type { ReactNode } from "react";

export const GameProvider = ({ children }: { children: ReactNode }) => children;
