/**
 * Which page and which server understand each other (R11). Owns: the number of the protocol. Does not own: what is done
 * about a page that is older (client/src/app/skew.ts).
 */

/** Grows with every change after which a page of before would misread the server, or the server it. */
export const PROTOCOL = 1;

/** What a server says of itself. */
export interface ServerVersion {
  protocol: number;
  /** The page it serves; empty where it serves none. */
  build: string;
}
