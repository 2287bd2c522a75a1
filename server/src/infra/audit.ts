/** The seam by which admin and moderator actions reach the audit log (I4). Owns: the type. Does not own: the log. */

export interface AuditedAction {
  /** Identity string of who acts. */
  by: string;
  /** What is done: `ip-rule.add`, `meme.takedown`. */
  action: string;
  /** What it is done to: an id, a CIDR, an identity. */
  target: string;
  /** Why, in the words of who acts. */
  reason: string;
  details?: Record<string, string | number | boolean>;
}

export interface AuditPort {
  /** Writes the action down; carry it out only after this has resolved. Rejects when it could not be written. */
  note(action: AuditedAction): Promise<void>;
}
