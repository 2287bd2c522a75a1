/** What came into the wallet and what left it, as this browser knows it. Does not own: the events. */
import type { WalletEventVm } from "../../app/model.ts";
import { Fold } from "../../ui/fold.tsx";
import { count, dayOf, plural, shortId, timeOf } from "../../ui/words.ts";

const WORDS: Record<WalletEventVm["kind"], { text: string; sign: "+" | "−" }> = {
  deposit: { text: "Put into a round", sign: "−" },
  payout: { text: "Paid out by a round", sign: "+" },
  refund: { text: "Taken back", sign: "+" },
  faucet: { text: "Test coins", sign: "+" },
  topup: { text: "From another wallet", sign: "+" },
  withdrawal: { text: "Withdrawn", sign: "−" },
};

export function History({ events }: { events: readonly WalletEventVm[] }) {
  return (
    <Fold title="History" aside={plural(events.length, "entry", "entries")} testId="wallet-history">
      {events.length === 0 ? (
        <p className="text-sm text-mist">Nothing has moved yet.</p>
      ) : (
        <ul className="figures max-h-96 overflow-y-auto">
          {events.map(({ kind, sats, at, txid, roundId }) => (
            <li
              key={`${kind}-${txid}-${roundId ?? ""}`}
              data-testid={`history-${kind}`}
              className="flex items-baseline justify-between gap-4 border-b border-line py-2.5 last:border-0"
            >
              <span className="min-w-0">
                <span className="block font-medium">
                  {roundId === undefined ? (
                    WORDS[kind].text
                  ) : (
                    <a
                      href={`/rounds/${encodeURIComponent(roundId)}/verify`}
                      className="underline decoration-edge underline-offset-4 hover:text-acid"
                    >
                      {WORDS[kind].text}
                    </a>
                  )}
                </span>
                <span className="text-sm text-mist">
                  {dayOf(at)}, {timeOf(at)} · <span title={txid}>{shortId(txid)}</span>
                </span>
              </span>
              <span
                className={`shrink-0 font-display font-bold ${WORDS[kind].sign === "+" ? "text-acid" : ""}`}
              >
                {WORDS[kind].sign}
                {count(sats)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Fold>
  );
}
