/** Hands the person a file. Owns: the browser's way of doing so. Does not own: what is in it. */

/** How long the browser may take to read the file, ms. */
const READ_MS = 10_000;

/** Downloads `json` under this name; in the browser alone, nothing is sent anywhere. */
export function saveJson(fileName: string, json: string): void {
  const url = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: url, download: fileName }).click();
  // Some browsers read it only after this turn.
  setTimeout(() => URL.revokeObjectURL(url), READ_MS);
}
