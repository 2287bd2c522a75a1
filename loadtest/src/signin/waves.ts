/**
 * One wave of sign-ins, or of calls that ask for nothing. Owns: who does what at the same time, and that nothing is
 * signed while something is measured. Does not own: the calls, or how many waves there are.
 */
import type { Pair } from "./figures.ts";
import type { Asked, Person, Signed } from "./people.ts";

export interface WavesDeps {
  calls: {
    challenge(person: Person): Promise<Asked>;
    verify(person: Person, asked: Asked, signed: Signed): Promise<number>;
    empty(): Promise<number>;
  };
  sign(person: Person, asked: Asked): Promise<Signed>;
  /** Told of everything that was refused or broke. */
  failed(reason: string): void;
  /** On while calls are under way. */
  lag: { enable(): unknown; disable(): unknown };
  signal: AbortSignal;
  /** ms. */
  now(): number;
}

export interface Wave {
  /** Of those who got through. */
  pairs: Pair[];
  /** Time in which calls were under way, ms. */
  busyMs: number;
}

export class Waves {
  private readonly deps: WavesDeps;

  constructor(deps: WavesDeps) {
    this.deps = deps;
  }

  /** Everybody asks, everybody signs, everybody answers. Whoever was refused has no pair. */
  async signIn(people: readonly Person[]): Promise<Wave> {
    const { calls, sign, signal } = this.deps;
    const asking = await this.atOnce(people, async (person) => ({
      person,
      asked: await calls.challenge(person),
    }));
    const ready: { person: Person; asked: Asked; signed: Signed }[] = [];
    for (const { person, asked } of asking.done) {
      if (signal.aborted) return { pairs: [], busyMs: 0 };
      ready.push({ person, asked, signed: await sign(person, asked) });
    }
    const answering = await this.atOnce(ready, async ({ person, asked, signed }) => ({
      firstMs: asked.ms,
      secondMs: await calls.verify(person, asked, signed),
    }));
    return { pairs: answering.done, busyMs: asking.tookMs + answering.tookMs };
  }

  /** As many callers as sign in: a call each, then, as with signing, when all are answered another. */
  async floor(callers: number): Promise<Wave> {
    const { calls } = this.deps;
    const first = await this.atOnce(Array.from({ length: callers }), () => calls.empty());
    const second = await this.atOnce(first.done, async (firstMs) => ({
      firstMs,
      secondMs: await calls.empty(),
    }));
    return { pairs: second.done, busyMs: first.tookMs + second.tookMs };
  }

  private async atOnce<T, R>(
    all: readonly T[],
    act: (one: T) => Promise<R>,
  ): Promise<{ done: R[]; tookMs: number }> {
    const { lag, now, failed } = this.deps;
    lag.enable();
    const start = now();
    const results = await Promise.allSettled(all.map(act));
    const tookMs = now() - start;
    lag.disable();
    const done: R[] = [];
    for (const result of results)
      if (result.status === "fulfilled") done.push(result.value);
      else failed(result.reason instanceof Error ? result.reason.message : String(result.reason));
    return { done, tookMs };
  }
}
