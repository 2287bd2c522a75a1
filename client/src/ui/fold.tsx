/** A part of a sheet that opens when its title is pressed. Does not own: what is in it. */
import type { ReactNode } from "react";
import { PlusIcon } from "./icons.tsx";

interface FoldProps {
  title: string;
  /** Said beside the title while closed: a state, a figure. */
  aside?: ReactNode;
  testId?: string;
  /** Called each time it opens: what is in it may be loaded then. */
  onOpen?(): void;
  children: ReactNode;
}

export function Fold({ title, aside, testId, onOpen, children }: FoldProps) {
  return (
    <details
      className="border-t border-line pt-4"
      data-testid={testId}
      onToggle={(event) => {
        if (event.currentTarget.open) onOpen?.();
      }}
    >
      <summary className="flex list-none items-center justify-between gap-3 font-display text-lg font-bold hover:text-acid">
        <span>{title}</span>
        <span className="flex items-center gap-3">
          {aside && <span className="figures font-text text-sm font-medium text-mist">{aside}</span>}
          <PlusIcon />
        </span>
      </summary>
      <div className="mt-4 flex flex-col gap-3">{children}</div>
    </details>
  );
}
