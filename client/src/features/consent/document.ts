/**
 * Our own documents as blocks to show: headings, paragraphs, lists, tables, emphasis, links, code. Pure.
 * Owns: reading that much of Markdown. Does not own: looks, foreign text (this is for files of this repository).
 */

export interface Span {
  kind: "text" | "strong" | "code" | "link";
  text: string;
  href?: string;
}

export type Block =
  | { kind: "title" | "heading" | "paragraph"; spans: Span[] }
  | { kind: "list"; items: Span[][] }
  | { kind: "table"; head: Span[][]; rows: Span[][][] };

const INLINE = /\*\*([^*]+)\*\*|\*([^*]+)\*|`([^`]+)`|\[([^\]]+)\]\(([^)]+)\)/g;

function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) spans.push({ kind: "text", text: text.slice(from, match.index) });
    const [whole, strong, soft, code, label, href] = match;
    if (code !== undefined) spans.push({ kind: "code", text: code });
    else if (label !== undefined && href !== undefined) spans.push({ kind: "link", text: label, href });
    else spans.push({ kind: "strong", text: strong ?? soft ?? "" });
    from = match.index + whole.length;
  }
  if (from < text.length) spans.push({ kind: "text", text: text.slice(from) });
  return spans;
}

const cellsOf = (line: string): Span[][] =>
  line
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => spansOf(cell.trim()));

/** The blocks of a document, in order. */
export function readDocument(markdown: string): Block[] {
  return markdown
    .trim()
    .split(/\n{2,}/)
    .map((chunk): Block => {
      const lines = chunk.split("\n");
      const [first = ""] = lines;
      if (first.startsWith("# ")) return { kind: "title", spans: spansOf(first.slice(2)) };
      if (first.startsWith("## ")) return { kind: "heading", spans: spansOf(first.slice(3)) };
      if (first.startsWith("|"))
        return { kind: "table", head: cellsOf(first), rows: lines.slice(2).map(cellsOf) };
      if (first.startsWith("- ")) {
        const items = chunk.slice(2).split(/\n- /);
        return { kind: "list", items: items.map((item) => spansOf(item.replaceAll(/\s*\n\s*/g, " "))) };
      }
      return { kind: "paragraph", spans: spansOf(lines.join(" ")) };
    });
}
