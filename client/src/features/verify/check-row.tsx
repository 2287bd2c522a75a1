/** One check: what it is about, its mark, its numbers, and more on demand. Does not own: any of what it says. */
import type { Check } from "@meme-rounds/shared-schema/verify-round-parts";
import type { ReactNode } from "react";
import { OutIcon } from "../../ui/icons.tsx";
import { count, shortId } from "../../ui/words.ts";

type Standing = "green" | "red" | "open" | "none" | "waiting";

function standingOf(check: Check | undefined): Standing {
  if (check === undefined) return "waiting";
  if (check.ok === true) return "green";
  if (check.ok === false) return "red";
  return check.absent ? "none" : "open";
}

const WORDS: Record<Standing, string> = {
  green: "right",
  red: "wrong",
  open: "not checked",
  none: "nothing to check",
  waiting: "waiting",
};
const LOOKS: Record<Standing, string> = {
  green: "border-acid bg-acid text-ink",
  red: "border-flare bg-flare text-ink",
  open: "border-edge bg-pit text-mist",
  none: "border-edge bg-pit text-mist",
  waiting: "border-line bg-pit text-edge",
};
const SIGNS: Record<Standing, ReactNode> = {
  green: <path d="M6 12.5l4 4 8-9" />,
  red: <path d="M7 7l10 10M17 7L7 17" />,
  open: <path d="M9.5 9.2a2.6 2.6 0 1 1 3.7 2.5c-.8.4-1.2 1-1.2 1.9M12 17h.01" />,
  none: <path d="M7 12h10" />,
  waiting: null,
};

function Sign({ standing }: { standing: Standing }) {
  return (
    <span
      className={`relative z-10 grid size-9 shrink-0 place-items-center rounded-full border-3 transition-colors duration-300 ${LOOKS[standing]}`}
    >
      <svg
        viewBox="0 0 24 24"
        className="size-6"
        fill="none"
        stroke="currentColor"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {SIGNS[standing]}
      </svg>
    </span>
  );
}

/** "carriedOn" -> "carried on". */
const worded = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

interface RowProps {
  title: string;
  means: string;
  check: Check | undefined;
  isLast: boolean;
  explorer: (txid: string) => string;
}

export function CheckRow({ title, means, check, isLast, explorer }: RowProps) {
  const standing = standingOf(check);
  return (
    <li
      className={`relative flex gap-4 pb-5 sm:gap-5 ${standing === "waiting" ? "opacity-60" : ""}`}
      data-testid="check"
      data-id={check?.id}
      data-standing={standing}
    >
      {!isLast && (
        <i
          aria-hidden="true"
          className={`absolute top-9 bottom-0 left-4 w-1 ${standing === "green" ? "bg-acid" : standing === "red" ? "bg-flare" : "bg-line"}`}
        />
      )}
      <Sign standing={standing} />
      <div className="min-w-0 flex-1">
        <h2 className="pt-1.5 text-lg leading-tight sm:text-xl">
          {title}
          <span className="sr-only">: {WORDS[standing]}</span>
        </h2>
        <p className="mt-1 max-w-[62ch] text-[0.9375rem] text-mist">{means}</p>
        {check?.reason && (
          <p
            className={`mt-2 max-w-[62ch] text-[0.9375rem] font-semibold ${standing === "red" ? "text-flare" : "text-mist"}`}
          >
            {sentenceOf(check.reason)}
          </p>
        )}
        {check && <Numbers numbers={check.numbers} />}
        {check && check.details.length + check.txids.length > 0 && <More check={check} explorer={explorer} />}
      </div>
    </li>
  );
}

const sentenceOf = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}`;

function Numbers({ numbers }: Pick<Check, "numbers">) {
  const all = Object.entries(numbers);
  if (all.length === 0) return null;
  return (
    <dl className="figures mt-2.5 flex flex-wrap gap-x-6 gap-y-2">
      {all.map(([name, value]) => (
        <div key={name} className="flex flex-col-reverse">
          <dt className="label">{worded(name)}</dt>
          <dd className="font-display text-lg font-bold">
            {typeof value === "number" ? count(value) : value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function More({ check, explorer }: { check: Check; explorer: (txid: string) => string }) {
  return (
    <details className="mt-2.5 text-sm">
      <summary className="inline-block rounded-md py-1 font-semibold text-mist underline underline-offset-4 hover:text-acid">
        How this was checked
      </summary>
      <ul className="mt-2 flex flex-col gap-1.5 break-words text-mist">
        {check.details.map((line) => (
          <li key={line}>{line}</li>
        ))}
        {check.txids.map((txid) => (
          <li key={txid}>
            <a
              href={explorer(txid)}
              target="_blank"
              rel="noreferrer"
              title={txid}
              className="figures inline-flex items-center gap-1 font-semibold text-chalk underline underline-offset-4 hover:text-acid"
            >
              Transaction {shortId(txid, 10)}
              <OutIcon />
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}
