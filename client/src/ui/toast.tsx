/**
 * Short notices at the edge of the page. Owns: the ones the page itself raises, and how all are shown.
 * Does not own: the arena's own notices, which it shows beside them.
 */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useNotices } from "../app/hooks.ts";
import type { Failure, NoticeVm } from "../app/model.ts";
import { CloseIcon } from "./icons.tsx";
import { explain } from "./words.ts";

interface Toast {
  id: string;
  kind: NoticeVm["kind"];
  text: string;
  advice?: string;
  code?: string;
}

interface Toasts {
  fail(failure: Failure): void;
  tell(text: string): void;
}

const ToastContext = createContext<Toasts | undefined>(undefined);
/** A failure stays until it has surely been read; good news goes sooner. */
const STAY_MS = { error: 9_000, warning: 9_000, info: 5_000, success: 4_000 } as const;

export function useToasts(): Toasts {
  const toasts = useContext(ToastContext);
  if (!toasts) throw new Error("useToasts needs a ToastProvider above it");
  return toasts;
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [own, setOwn] = useState<Toast[]>([]);
  const { notices, dismiss } = useNotices();
  const nextId = useRef(1);
  const add = useCallback((toast: Omit<Toast, "id">) => {
    const id = `own-${nextId.current++}`;
    setOwn((list) => [...list.filter((one) => one.text !== toast.text), { ...toast, id }].slice(-3));
  }, []);
  const toasts = useMemo<Toasts>(
    () => ({
      fail: (failure) => {
        const { code, sentence, advice } = explain(failure);
        add({ kind: "error", text: sentence, advice, code });
      },
      tell: (text) => add({ kind: "success", text }),
    }),
    [add],
  );
  const drop = (id: string) =>
    id.startsWith("own-") ? setOwn((list) => list.filter((one) => one.id !== id)) : dismiss(id);
  const shown: Toast[] = [...notices, ...own].slice(-4);
  const shelf = useRef<HTMLElement>(null);
  const names = shown.map((toast) => toast.id).join();
  useEffect(() => {
    const element = shelf.current;
    if (!element) return;
    // Shown anew each time: the last one shown lies above whatever sheet is open by then.
    if (element.matches(":popover-open")) element.hidePopover();
    if (names !== "") element.showPopover();
  }, [names]);
  return (
    <ToastContext.Provider value={toasts}>
      {children}
      <section
        ref={shelf}
        popover="manual"
        aria-label="Notices"
        aria-live="polite"
        className="pointer-events-none fixed inset-x-3 top-3 bottom-auto m-0 w-auto overflow-visible border-0 bg-transparent p-0 text-chalk open:flex flex-col items-center gap-2 sm:right-6 sm:left-auto sm:top-20 sm:w-96 sm:items-stretch"
      >
        {shown.map((toast) => (
          <ToastCard key={toast.id} toast={toast} onDone={() => drop(toast.id)} />
        ))}
      </section>
    </ToastContext.Provider>
  );
}

function ToastCard({ toast, onDone }: { toast: Toast; onDone(): void }) {
  const done = useRef(onDone);
  done.current = onDone;
  useEffect(() => {
    const timer = setTimeout(() => done.current(), STAY_MS[toast.kind]);
    return () => clearTimeout(timer);
  }, [toast.kind]);
  const bad = toast.kind === "error" || toast.kind === "warning";
  return (
    <div
      role={bad ? "alert" : undefined}
      data-testid={bad ? "error" : "notice"}
      data-code={toast.code}
      className={`pointer-events-auto flex w-full items-start gap-3 rounded-2xl border-l-4 bg-raised py-3 pr-2 pl-4 shadow-[0_12px_40px_#000a] ${bad ? "border-flare" : "border-acid"}`}
    >
      <div className="min-w-0 flex-1 text-sm">
        <p className="font-semibold">{toast.text}</p>
        {toast.advice && <p className="mt-1 text-mist">{toast.advice}</p>}
      </div>
      <button
        type="button"
        onClick={onDone}
        aria-label="Dismiss"
        className="grid size-9 shrink-0 place-items-center rounded-full text-mist hover:text-chalk"
      >
        <CloseIcon />
      </button>
    </div>
  );
}
