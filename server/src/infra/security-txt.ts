/**
 * /.well-known/security.txt (RFC 9116): who is told of a weakness. Owns: the file's words, and that it never expires while
 * the server runs. Does not own: the settings.
 */
import type { RequestHandler } from "express";

export interface SecurityTxtOptions {
  /** `mailto:` or `https:`, the preferred one first; at least one. */
  contacts: readonly string[];
  /** For how many days from now it says that it holds. */
  days: number;
  /** ms since the epoch. */
  now(): number;
  /** Where the file is, once that is known; scheme and host. */
  base?: string;
}

const DAY_MS = 86_400_000;

/** The file as of now. Its expiry moves with the clock, a day at a time, so that caches agree. */
export function securityTxtOf(options: SecurityTxtOptions): string {
  const today = Math.floor(options.now() / DAY_MS) * DAY_MS;
  const lines = [
    ...options.contacts.map((contact) => `Contact: ${contact}`),
    `Expires: ${new Date(today + (options.days + 1) * DAY_MS).toISOString().replace(".000Z", "Z")}`,
    "Preferred-Languages: en",
    ...(options.base?.startsWith("https:")
      ? [`Canonical: ${options.base.replace(/\/+$/, "")}/.well-known/security.txt`]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** Throws TypeError for a contact that is neither mailto: nor https:, or none at all. */
export function securityTxt(options: SecurityTxtOptions): RequestHandler {
  if (options.contacts.length === 0) throw new TypeError("SECURITY_CONTACT: nobody is named");
  for (const contact of options.contacts)
    if (!/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(contact))
      throw new TypeError(`SECURITY_CONTACT: ${contact} is neither mailto: nor https:`);
  return (_req, res) => {
    res.set("Cache-Control", "public, max-age=3600").type("text/plain").send(securityTxtOf(options));
  };
}
