/** What a service keeps off-chain about a person (I6). Owns: the seam. Does not own: any data. */

export interface Person {
  identity: string;
  /** Every play key bound to the identity, revoked ones too. */
  playKeys: readonly string[];
}

export interface PersonalData {
  /** Name of the part in the export: `sessions`, `uploads`. */
  readonly name: string;
  /** All of it, as plain JSON. */
  exportOf(person: Person): Promise<unknown>;
  /** Deletes or anonymises it. May be repeated after a crash. */
  forget(person: Person): Promise<void>;
}
