/** The pages /terms and /privacy: documents of this repository, as they are. Does not own: their words. */
import privacy from "../../../../docs/PRIVACY.md?raw";
import terms from "../../../../docs/TERMS.md?raw";
import { type Block, readDocument, type Span } from "./document.ts";

function Spans({ spans }: { spans: readonly Span[] }) {
  return spans.map(({ kind, text, href }, index) => {
    const key = index; // the document does not change while it is shown
    if (kind === "strong") return <strong key={key}>{text}</strong>;
    if (kind === "code")
      return (
        <code key={key} className="rounded bg-raised px-1.5 py-0.5 text-sm break-all">
          {text}
        </code>
      );
    if (kind === "link")
      return (
        <a key={key} href={href} rel="noreferrer" className="underline underline-offset-4 hover:text-acid">
          {text}
        </a>
      );
    return text;
  });
}

function Part({ block }: { block: Block }) {
  switch (block.kind) {
    case "title":
      return (
        <h1 className="display text-4xl sm:text-5xl">
          <Spans spans={block.spans} />
        </h1>
      );
    case "heading":
      return (
        <h2 className="mt-6 text-2xl">
          <Spans spans={block.spans} />
        </h2>
      );
    case "paragraph":
      return (
        <p className="leading-relaxed text-mist">
          <Spans spans={block.spans} />
        </p>
      );
    case "list":
      return (
        <ul className="flex list-disc flex-col gap-2 pl-5 leading-relaxed text-mist">
          {block.items.map((item) => (
            <li key={item.map(({ text }) => text).join("")}>
              <Spans spans={item} />
            </li>
          ))}
        </ul>
      );
    case "table":
      return <Table head={block.head} rows={block.rows} />;
  }
}

function Table({ head, rows }: { head: Span[][]; rows: Span[][][] }) {
  const textOf = (cells: Span[][]): string =>
    cells
      .flat()
      .map(({ text }) => text)
      .join("|");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone, and the keyboard has to reach it
    <section className="overflow-x-auto" tabIndex={0} aria-label={`Table: ${textOf(head.slice(0, 1))}`}>
      <table className="w-full min-w-lg text-left text-sm">
        <thead>
          <tr className="border-b-2 border-line">
            {head.map((cell) => (
              <th key={textOf([cell])} className="py-2 pr-4 font-semibold">
                <Spans spans={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr key={textOf(cells)} className="border-b border-line align-top text-mist">
              {cells.map((cell, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells of a row have no other name
                <td key={index} className="py-2 pr-4">
                  <Spans spans={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export default function DocumentPage({ which }: { which: "terms" | "privacy" }) {
  const blocks = readDocument(which === "terms" ? terms : privacy);
  return (
    <article className="mx-auto flex max-w-3xl flex-col gap-4 py-10" data-testid={`${which}-page`}>
      {blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the document does not change while it is shown
        <Part key={index} block={block} />
      ))}
    </article>
  );
}
