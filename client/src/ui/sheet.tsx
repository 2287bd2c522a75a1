/**
 * A modal sheet: from below on a phone, in the middle on a desk. Owns: the <dialog>, closing, the title.
 * Does not own: what is in it.
 */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { CloseIcon } from "./icons.tsx";

interface SheetProps {
  open: boolean;
  title: string;
  wide?: boolean;
  /** Keeps what was typed while the sheet is closed. */
  keep?: boolean;
  testId?: string;
  onClose(): void;
  children: ReactNode;
}

export function Sheet({ open, title, wide, keep, testId, onClose, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    if (open && !element.open) element.showModal();
    if (!open && element.open) element.close();
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a press beside the sheet closes it; the keyboard has Escape
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      data-testid={testId}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
      className={`sheet m-0 mt-auto max-h-[92dvh] w-full max-w-none overflow-y-auto overscroll-contain rounded-t-3xl border-t border-line bg-floor p-0 sm:m-auto sm:rounded-3xl sm:border ${wide ? "sm:max-w-5xl" : "sm:max-w-lg"}`}
    >
      {(open || keep) && (
        <div className="flex flex-col gap-6 p-5 pb-[max(1.5rem,env(safe-area-inset-bottom))] sm:p-8">
          <header className="flex items-start justify-between gap-4">
            <h2 id={titleId} className="pt-1 text-3xl text-balance">
              {title}
            </h2>
            <button
              type="button"
              onClick={onClose}
              aria-label="Close"
              className="-mt-1 -mr-1 grid size-11 shrink-0 place-items-center rounded-full text-mist hover:bg-raised hover:text-chalk"
            >
              <CloseIcon />
            </button>
          </header>
          {children}
        </div>
      )}
    </dialog>
  );
}
