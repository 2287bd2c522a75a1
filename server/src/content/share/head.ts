/**
 * The head of a meme's page: Open Graph, Twitter card, canonical address (C7). Pure. Owns: its words, and that a stranger's
 * title stays text whatever is in it. Does not own: where it is served.
 */
import type { RoundDetail } from "@meme-rounds/shared-schema/rest";

export interface PageHead {
  /** Plain text. */
  title: string;
  /** Finished HTML. */
  tags: string;
}

export const CARD = { width: 1_200, height: 630 } as const;

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};
/** Controls, and marks that turn the direction of what stands after them. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Safe as text and between quotes of an attribute. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(UNSEEN, " ").replaceAll(/[&<>"'`]/g, (sign) => ENTITIES[sign] ?? "");

const count = (value: number): string => new Intl.NumberFormat("en").format(value);

/** How the meme did, in a sentence or two. */
function resultOf(round: RoundDetail, meme: RoundDetail["memesRanked"][number]): string {
  const backers = `${count(meme.backers)} ${meme.backers === 1 ? "backer" : "backers"}`;
  const backed = `backed with ${count(meme.boostSats)} sat by ${backers}`;
  if (round.outcome === "voided") return "Its round was void: every deposit went back.";
  const place =
    meme.rank === 1 && meme.winner
      ? `Won its round`
      : meme.rank > 0
        ? `Number ${meme.rank} of ${count(round.memesRanked.length)} in its round`
        : "In its round";
  const outcome = `${place}, ${backed}, for a pot of ${count(round.pot)} sat.`;
  return meme.model ? `${outcome} Turn it in 3D, or put it on your table.` : outcome;
}

/** `base` is scheme and host without a slash at the end; empty leaves addresses relative. */
export function headOf(round: RoundDetail, meme: RoundDetail["memesRanked"][number], base: string): PageHead {
  const title = meme.title.trim() === "" ? "A meme" : meme.title;
  const path = `/m/${encodeURIComponent(round.roundId)}/${meme.memeId}`;
  const url = `${base.replace(/\/+$/, "")}${path}`;
  const description = resultOf(round, meme);
  const named = (name: string, content: string) => `<meta name="${name}" content="${escapeHtml(content)}" />`;
  const property = (name: string, content: string) =>
    `<meta property="${name}" content="${escapeHtml(content)}" />`;
  const tags = [
    named("description", description),
    `<link rel="canonical" href="${escapeHtml(url)}" />`,
    property("og:site_name", "Meme Rounds"),
    property("og:type", "website"),
    property("og:title", title),
    property("og:description", description),
    property("og:url", url),
    named("twitter:title", title),
    named("twitter:description", description),
  ];
  // R12: a reported meme is blurred on the page; a messenger would show it as it is.
  if (meme.blurred) tags.push(named("twitter:card", "summary"));
  else
    tags.push(
      // A new address when the model comes: messengers keep what they read under an old one.
      ...[`${url}/card.jpg${meme.model ? `?v=${meme.model.poster.slice(-8)}` : ""}`].flatMap((card) => [
        property("og:image", card),
        named("twitter:image", card),
      ]),
      property("og:image:type", "image/jpeg"),
      property("og:image:width", String(CARD.width)),
      property("og:image:height", String(CARD.height)),
      property("og:image:alt", meme.model ? `${title}, the meme and its 3D model` : title),
      named("twitter:card", "summary_large_image"),
    );
  return { title: `${title} · Meme Rounds`, tags: tags.join("\n    ") };
}

/** The built page with this head instead of its own title and description. */
export function withHead(page: string, head: PageHead): string {
  const bare = page.replace(/<title>[^<]*<\/title>/, "").replace(/<meta\s+name="description"[^>]*>/, "");
  // As a function: `$&` in a title is a title.
  return bare.replace(
    "</head>",
    () => `<title>${escapeHtml(head.title)}</title>\n    ${head.tags}\n  </head>`,
  );
}
