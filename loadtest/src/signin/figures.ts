/** What the sign-in load test counts and tells. Owns: sums, percentiles, words. Does not own: taking the times. */

const REASONS = 50;
const OTHERS = "others";

/** Of one person in one wave, or of the floor: the first and the second call, ms. */
export interface Pair {
  firstMs: number;
  secondMs: number;
}

/** The nearest-rank percentile, `share` in 0..1; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const short = (value: number): number => Number(value.toPrecision(3));

const latencyOf = (values: readonly number[]) => ({
  p50Ms: short(percentile(values, 0.5)),
  p99Ms: short(percentile(values, 0.99)),
});

const sums = (pairs: readonly Pair[]): number[] => pairs.map(({ firstMs, secondMs }) => firstMs + secondMs);

/** What happened, as it happens. */
export class SigninTally {
  readonly signIns: Pair[] = [];
  readonly floors: Pair[] = [];
  readonly alone: Pair[] = [];
  waves = 0;
  private busyMs = 0;
  /** Failures by their words; bounded. */
  readonly reasons = new Map<string, number>();

  /** One wave of sign-ins and its floor. `busyMs`: without the making of signatures. */
  wave(signIns: { pairs: readonly Pair[]; busyMs: number }, floor: { pairs: readonly Pair[] }): void {
    this.waves++;
    this.busyMs += signIns.busyMs;
    this.signIns.push(...signIns.pairs);
    this.floors.push(...floor.pairs);
  }

  failed(reason: string): void {
    const known = this.reasons.has(reason) || this.reasons.size < REASONS ? reason : OTHERS;
    this.reasons.set(known, (this.reasons.get(known) ?? 0) + 1);
  }

  get failures(): number {
    return [...this.reasons.values()].reduce((sum, count) => sum + count, 0);
  }

  /** `ownLagP99Ms`: how late the harness itself was while it measured. */
  figures(about: { players: number; wallets: number; ownLagP99Ms: number }) {
    const signIn = latencyOf(sums(this.signIns));
    const floor = latencyOf(sums(this.floors));
    return {
      players: about.players,
      wallets: about.wallets,
      signIns: this.signIns.length,
      waves: this.waves,
      signInsPerSecond: short((this.signIns.length * 1_000) / this.busyMs),
      signIn,
      challenge: latencyOf(this.signIns.map(({ firstMs }) => firstMs)),
      verify: latencyOf(this.signIns.map(({ secondMs }) => secondMs)),
      floor,
      ratio: { p50: short(signIn.p50Ms / floor.p50Ms), p99: short(signIn.p99Ms / floor.p99Ms) },
      onePlayerAlone: latencyOf(sums(this.alone)),
      failures: this.failures,
      reasons: Object.fromEntries(this.reasons),
      ownLagP99Ms: short(about.ownLagP99Ms),
    };
  }
}

/** The figures for people. */
export function summaryOf(figures: ReturnType<SigninTally["figures"]>): string {
  const row = (name: string, { p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }): string =>
    `  ${name.padEnd(44)} ${p50Ms} / ${p99Ms}`;
  const { players, wallets, signIns, waves, signInsPerSecond, ratio, failures, reasons } = figures;
  return [
    "",
    `${players} people at once, ${wallets} kinds of signatures: ${signIns} sign-ins in ${waves} waves, ${signInsPerSecond}/s`,
    "  ms, p50 / p99",
    row("sign-in: challenge and verify", figures.signIn),
    row("challenge", figures.challenge),
    row("verify", figures.verify),
    row("floor: two empty calls, as many at once", figures.floor),
    row("one player alone", figures.onePlayerAlone),
    `  ${"times the floor".padEnd(44)} ${ratio.p50} / ${ratio.p99}`,
    `  ${"event loop of this harness, p99, ms".padEnd(44)} ${figures.ownLagP99Ms}`,
    `  ${"failed or refused".padEnd(44)} ${failures}`,
    ...Object.entries(reasons).map(([reason, count]) => `    ${count} x ${reason}`),
  ].join("\n");
}
