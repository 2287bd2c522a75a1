/** The head of the page, with the player's money bar: at the top on a desk, at the thumb on a phone. */
import { useMe, useRound, useWallet } from "../../app/hooks.ts";
import { Button } from "../../ui/button.tsx";
import { Mark, PlusIcon, WalletIcon } from "../../ui/icons.tsx";
import { linkTo } from "../../ui/use-path.ts";
import { brief } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";

const views = [
  { href: "/", name: "Arena" },
  { href: "/gallery", name: "Gallery" },
  { href: "/rounds", name: "Rounds" },
];

export function Header({ path }: { path: string }) {
  return (
    <header className="border-b border-line">
      <div className="mx-auto flex h-16 max-w-[1520px] items-center gap-3 px-4 sm:gap-8 sm:px-6">
        <a {...linkTo("/")} className="flex items-center gap-2.5 rounded-lg">
          <Mark />
          <span className="display sr-only text-xl sm:not-sr-only">Meme Rounds</span>
        </a>
        <nav aria-label="Views" className="flex sm:gap-1">
          {views.map(({ href, name }) => {
            const here = href === "/" ? path === "/" : path.startsWith(href);
            return (
              <a
                key={href}
                {...linkTo(href)}
                aria-current={here ? "page" : undefined}
                className={`rounded-lg px-2.5 py-2 text-[0.9375rem] font-semibold sm:px-3 ${here ? "text-chalk underline decoration-acid decoration-3 underline-offset-8" : "text-mist hover:text-chalk"}`}
              >
                {name}
              </a>
            );
          })}
        </nav>
        <div className="ml-auto">
          <Link />
        </div>
        <MoneyBar />
      </div>
    </header>
  );
}

/** Says how fresh what is shown is. */
function Link() {
  const connected = useRound()?.connected ?? "offline";
  const words = { live: "Live", polling: "Catching up", offline: "Offline" }[connected];
  return (
    <span
      role="status"
      className="flex items-center gap-2 text-sm font-semibold text-mist"
      data-connected={connected}
    >
      <i className={`size-2.5 rounded-full ${connected === "live" ? "bg-acid" : "breathe bg-flare"}`} />
      {words}
    </span>
  );
}

function MoneyBar() {
  const me = useMe();
  const wallet = useWallet();
  const { openWallet, openEnter } = useSheets();
  return (
    <section
      aria-label="Your money"
      className="fixed inset-x-0 bottom-0 z-30 flex items-center gap-2.5 border-t border-line bg-floor px-4 pt-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] lg:static lg:gap-4 lg:border-0 lg:bg-transparent lg:p-0"
    >
      <dl className="figures mr-auto flex gap-4 whitespace-nowrap lg:gap-5 lg:pr-1">
        <div>
          <dt className="label text-xs">In round</dt>
          <dd
            data-testid="in-round"
            data-sats={me.inRoundSats}
            className={`font-display text-lg leading-tight font-bold ${me.inRoundSats > 0 ? "text-acid" : ""}`}
          >
            {brief(me.inRoundSats)}
          </dd>
        </div>
        <div>
          <dt className="label text-xs">Wallet</dt>
          <dd
            data-testid="balance"
            data-sats={wallet.balanceSats}
            className="font-display text-lg leading-tight font-bold"
          >
            {brief(wallet.balanceSats)}
          </dd>
        </div>
      </dl>
      <Button look="outline" onClick={() => openWallet()} data-testid="wallet-open">
        <span className="hidden sm:block">
          <WalletIcon />
        </span>
        {me.signedIn ? "Wallet" : "Sign in"}
      </Button>
      <Button
        look="primary"
        data-testid="enter-open"
        aria-label="Enter a meme"
        onClick={() =>
          me.signedIn ? openEnter() : openWallet("Entering a meme takes a key and some sats in the round.")
        }
      >
        <PlusIcon />
        <span>
          Enter<span className="hidden sm:inline"> a meme</span>
        </span>
      </Button>
    </section>
  );
}
