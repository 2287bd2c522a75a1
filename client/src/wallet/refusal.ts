/** What stops an action deep inside the wallet, on its way to the person. Owns: carrying a failure as an exception. */
import { type Failure, failure } from "../app/model.ts";

export class Refusal extends Error {
  readonly failure: Failure;
  constructor(code: Failure["code"], message: string) {
    super(message);
    this.name = "Refusal";
    this.failure = failure(code, message);
  }
}

/** Anything thrown as a failure that a person can read. */
export const failureOf = (error: unknown): Failure =>
  error instanceof Refusal
    ? error.failure
    : failure("INTERNAL", error instanceof Error ? error.message : String(error));
