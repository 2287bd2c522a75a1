/** The round's chat (R10): lines and the field to write one. Does not own: signing, moderation, limits. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useActions, useMe } from "../../app/hooks.ts";
import type { ChatVm, RoundVm } from "../../app/model.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { useTask } from "../../ui/use-task.ts";
import { shortId, timeOf } from "../../ui/words.ts";
import { useSheets } from "../sheets.tsx";

const MAX_CHARACTERS = 240;

export function ChatPanel({ round }: { round: RoundVm }) {
  return (
    <section
      aria-labelledby="chat-title"
      className="flex h-[calc(100dvh-13.5rem)] min-h-96 flex-col overflow-hidden rounded-2xl bg-floor lg:sticky lg:top-4 lg:mt-6 lg:h-[min(calc(100dvh-2rem),46rem)]"
    >
      <h2 id="chat-title" className="hidden px-5 pt-5 pb-2 text-2xl lg:block">
        Ringside
      </h2>
      <Lines lines={round.chat} />
      <Write />
    </section>
  );
}

function Lines({ lines }: { lines: ChatVm[] }) {
  const end = useRef<HTMLDivElement>(null);
  const last = lines.at(-1)?.seq;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line is what moves the list
  useEffect(() => {
    const box = end.current?.parentElement;
    if (!box) return;
    const following = box.scrollHeight - box.scrollTop - box.clientHeight < 160;
    if (following) box.scrollTop = box.scrollHeight;
  }, [last]);
  return (
    <div
      role="log"
      aria-label="Chat lines"
      className="min-h-0 flex-1 overflow-y-auto overscroll-contain px-5 py-3"
    >
      {lines.length === 0 && <p className="text-mist">Quiet so far. Say who should win, and why.</p>}
      <ul className="flex flex-col gap-4">
        {lines.map((line) => (
          <li key={line.seq} data-testid="chat-line" data-mine={line.mine || undefined}>
            <p className="figures flex items-baseline gap-2 text-xs text-mist">
              <span className={`font-bold ${line.mine ? "text-acid" : "text-chalk"}`}>
                {line.mine ? "You" : shortId(line.playKey.slice(2), 4)}
              </span>
              <time dateTime={new Date(line.at).toISOString()}>{timeOf(line.at)}</time>
            </p>
            <p className="mt-0.5 leading-snug break-words">{line.text}</p>
          </li>
        ))}
      </ul>
      <div ref={end} />
    </div>
  );
}

function Write() {
  const me = useMe();
  const actions = useActions();
  const { openWallet } = useSheets();
  const [text, setText] = useState("");
  const send = useTask((line: string) => actions.chat(line));
  const left = MAX_CHARACTERS - text.length;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!me.signedIn) return openWallet("Talking takes a key.");
    if (text.trim() === "") return;
    const outcome = await send.run(text.trim());
    if (outcome?.ok) setText("");
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-2 border-t border-line p-3">
      <ErrorNote failure={send.failed} />
      <div className="flex gap-2">
        <input
          value={text}
          maxLength={MAX_CHARACTERS}
          onChange={(event) => {
            setText(event.target.value);
            send.clear();
          }}
          aria-label="Say something"
          placeholder={me.signedIn ? "Say something" : "Sign in to talk"}
          autoComplete="off"
          data-testid="chat-input"
          className="h-12 min-w-0 flex-1 rounded-xl border-2 border-line bg-pit px-3.5 placeholder:text-mist hover:border-edge focus:border-acid focus:outline-none"
        />
        <Button type="submit" look="solid" pending={send.pending} data-testid="chat-send">
          Send
        </Button>
      </div>
      {left < 40 && <p className="figures text-xs text-mist">{left} characters left</p>}
    </form>
  );
}
