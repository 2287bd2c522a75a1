/**
 * What the game needs of the browser. Owns: the real clock, timers, storage, locks. Does not own: any use of them.
 */
import type { GameDeps } from "./game-deps.ts";

type Lock = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Without the Locks API (old browsers, plain http) work is at least one at a time in this tab. */
function tabLock(): Lock {
  const last = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const before = last.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(
      name,
      mine.catch(() => undefined),
    );
    return await mine;
  };
}

function locksOf(navigator: Navigator): Lock {
  if (!("locks" in navigator)) return tabLock();
  const manager: LockManager = navigator.locks;
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => await manager.request(name, work);
}

export function browserDeps(window: Window & typeof globalThis): GameDeps {
  const { document } = window;
  return {
    origin: window.location.origin,
    fetch: window.fetch.bind(window),
    storage: window.localStorage,
    tabStorage: window.sessionStorage,
    build: document.querySelector<HTMLMetaElement>('meta[name="build"]')?.content ?? "",
    // The bundler's own event; what asked for the part fails beside it.
    onPartMissing: (listener) => window.addEventListener("vite:preloadError", listener),
    isOccupied: () =>
      document.querySelector("dialog[open]") !== null ||
      (document.activeElement instanceof HTMLInputElement && document.activeElement.value !== ""),
    indexedDB: window.indexedDB,
    crypto: window.crypto,
    lock: locksOf(window.navigator),
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, work) {
      const timer = window.setTimeout(work, ms);
      return () => window.clearTimeout(timer);
    },
    locks: "locks" in window.navigator ? window.navigator.locks : undefined,
    persist: async () => (await window.navigator.storage?.persist?.()) ?? false,
    reload: () => window.location.reload(),
    onUse(listener) {
      const kinds = ["pointerdown", "keydown"] as const;
      for (const kind of kinds) window.addEventListener(kind, listener, { capture: true, passive: true });
      return () => {
        for (const kind of kinds) window.removeEventListener(kind, listener, { capture: true });
      };
    },
    host: window,
    frame: (work) => void window.requestAnimationFrame(work),
    onAwake(listener) {
      const awake = (): void => {
        if (document.visibilityState === "visible") listener();
      };
      window.addEventListener("online", awake);
      document.addEventListener("visibilitychange", awake);
      return () => {
        window.removeEventListener("online", awake);
        document.removeEventListener("visibilitychange", awake);
      };
    },
  };
}
