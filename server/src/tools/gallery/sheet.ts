/** Contact sheets: a picture and the views of its model, side by side. Owns: layout and labels. */
import sharp, { type OverlayOptions } from "sharp";

export interface SheetRow {
  label: string;
  /** The picture itself: jpeg, png, webp or gif. */
  source: Uint8Array;
  /** Of its model; none when there is no model. */
  views: Uint8Array[];
}

const TILE = 360;
const LABEL = 26;
const TILES = 4;
/** Shows through where a picture is transparent. */
const GROUND = "#e9e9e9";

/** PNG, one row for each picture: the source, then its views. */
export async function drawSheet(rows: readonly SheetRow[]): Promise<Uint8Array> {
  const pieces = await Promise.all(rows.map(piecesOf));
  const height = rows.length * (TILE + LABEL);
  return sharp({ create: { width: TILES * TILE, height, channels: 3, background: GROUND } })
    .composite(pieces.flat())
    .png({ palette: true, colours: 256 })
    .toBuffer();
}

async function piecesOf({ label, source, views }: SheetRow, row: number): Promise<OverlayOptions[]> {
  const top = row * (TILE + LABEL);
  const tiles = await Promise.all(
    [source, ...views].map((picture) =>
      sharp(picture)
        .rotate()
        .resize(TILE, TILE, { fit: "inside", withoutEnlargement: true })
        .png()
        .toBuffer(),
    ),
  );
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${TILES * TILE}" height="${LABEL}"><text x="6" y="18" font-family="sans-serif" font-size="15">${escaped(label)}</text></svg>`;
  return [
    { input: Buffer.from(text), left: 0, top },
    ...tiles.map((input, column) => ({ input, left: column * TILE, top: top + LABEL })),
  ];
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
