/** Our documents as blocks (I6): nothing of a page's text gets lost on its way to the screen. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readDocument, type Span } from "../src/features/consent/document.ts";

const plain = (spans: readonly Span[]): string => spans.map(({ text }) => text).join("");

describe("documents in the page", () => {
  it("I6: headings, paragraphs, lists over lines, tables, emphasis, code and links", () => {
    const blocks = readDocument(
      "# A\n\n## B\n\none **two** `three`\n*four* [five](https://example.org)\n\n- x\n- y\n  z\n\n| h | i |\n| --- | --- |\n| `k` | l |\n",
    );
    assert.deepEqual(
      blocks.map(({ kind }) => kind),
      ["title", "heading", "paragraph", "list", "table"],
    );
    const [, , paragraph, list, table] = blocks;
    assert.ok(paragraph?.kind === "paragraph" && list?.kind === "list" && table?.kind === "table");
    assert.deepEqual(
      paragraph.spans.map(({ kind }) => kind),
      ["text", "strong", "text", "code", "text", "strong", "text", "link"],
    );
    assert.deepEqual(list.items.map(plain), ["x", "y z"]);
    assert.deepEqual(table.head.map(plain), ["h", "i"]);
    assert.deepEqual(
      table.rows.map((row) => row.map(plain)),
      [["k", "l"]],
    );
  });

  for (const name of ["TERMS", "PRIVACY"])
    it(`I6: docs/${name}.md is shown whole`, () => {
      const text = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
      const shown = readDocument(text)
        .flatMap((block) => {
          if (block.kind === "list") return block.items.map(plain);
          if (block.kind === "table") return [...block.head, ...block.rows.flat()].map(plain);
          return [plain(block.spans)];
        })
        .join(" ");
      const wordsOf = (from: string): string => from.replaceAll(/[^\p{L}\p{N}<>:]/gu, "");
      const source = text.replaceAll(/^\|[\s|-]+\|$/gm, "");
      assert.equal(wordsOf(shown), wordsOf(source));
    });
});
