/** The 12 words: shown, written down, and two of them asked back. Does not own: where they come from. */
import { type FormEvent, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Field } from "../../ui/field.tsx";

/** Two places of a list, the earlier one first. */
function twoOf(length: number): [number, number] {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint32Array(2));
  const first = a % length;
  const second = (first + 1 + (b % (length - 1))) % length;
  return first < second ? [first, second] : [second, first];
}

export function Words({ words, onChecked }: { words: string[]; onChecked: () => void }) {
  const [asked, setAsked] = useState<[number, number]>();
  if (asked === undefined)
    return (
      <div className="flex flex-col gap-3">
        <p className="text-sm text-mist">
          Write them down in this order, on paper. Whoever has them has your coins; we never ask for them.
        </p>
        <ol
          data-testid="words"
          className="grid grid-cols-2 gap-x-6 gap-y-1.5 rounded-2xl border-2 border-flare p-4 sm:grid-cols-3"
        >
          {words.map((word, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a word may come twice; its place is what it is
            <li key={at} className="flex items-baseline gap-2.5">
              <span className="figures w-5 text-right text-sm text-mist" aria-hidden="true">
                {at + 1}
              </span>
              <span className="font-display text-lg font-bold select-all">{word}</span>
            </li>
          ))}
        </ol>
        <Button look="solid" onClick={() => setAsked(twoOf(words.length))} data-testid="words-written">
          I have written them down
        </Button>
      </div>
    );
  return <Check words={words} asked={asked} onChecked={onChecked} onBack={() => setAsked(undefined)} />;
}

interface CheckProps {
  words: string[];
  asked: [number, number];
  onChecked: () => void;
  onBack: () => void;
}

function Check({ words, asked, onChecked, onBack }: CheckProps) {
  const [typed, setTyped] = useState(["", ""]);
  const [wrong, setWrong] = useState<number>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const missed = asked.find((at, place) => typed[place]?.trim().toLowerCase() !== words[at]);
    setWrong(missed);
    if (missed === undefined) onChecked();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p className="text-sm text-mist">Two of them, to be sure that the paper is right:</p>
      <div className="grid gap-3 sm:grid-cols-2">
        {asked.map((at, place) => (
          <Field
            key={at}
            label={`Word ${at + 1}`}
            value={typed[place] ?? ""}
            onChange={({ target }) => setTyped(typed.with(place, target.value))}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            data-testid={`word-check-${place}`}
            data-word={at + 1}
          />
        ))}
      </div>
      {wrong !== undefined && (
        <p role="alert" className="text-sm font-medium text-flare">
          Word {wrong + 1} is another one. Look at your paper, or look at the words again.
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="solid" data-testid="word-check">
          Check
        </Button>
        <Button onClick={onBack}>Show the words again</Button>
      </div>
    </form>
  );
}
