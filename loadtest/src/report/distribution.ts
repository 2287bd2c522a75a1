/**
 * How values are spread, in bounded memory. Owns: buckets about 3% wide, percentiles, joining two. A percentile is off by
 * at most half a bucket; count, sum, least and greatest are exact.
 */

const PER_DOUBLING = 24;
const LEAST = 2 ** -20;
const GREATEST = 2 ** 40;
/** Where zero and what is below it is counted. */
const ZERO = -20 * PER_DOUBLING - 1;

const bucketOf = (value: number): number =>
  value < LEAST ? ZERO : Math.floor(Math.log2(Math.min(value, GREATEST)) * PER_DOUBLING);
const beginOf = (bucket: number): number => (bucket === ZERO ? 0 : 2 ** (bucket / PER_DOUBLING));

export class Distribution {
  count = 0;
  sum = 0;
  least = Number.POSITIVE_INFINITY;
  greatest = Number.NEGATIVE_INFINITY;
  private readonly buckets = new Map<number, number>();

  /** Counts `value` so many times. Not for values that are no number (the caller leaves them out). */
  record(value: number, times = 1): void {
    const bucket = bucketOf(value);
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + times);
    this.count += times;
    this.sum += value * times;
    this.least = Math.min(this.least, value);
    this.greatest = Math.max(this.greatest, value);
  }

  join(other: Distribution): void {
    for (const [bucket, count] of other.buckets)
      this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + count);
    this.count += other.count;
    this.sum += other.sum;
    this.least = Math.min(this.least, other.least);
    this.greatest = Math.max(this.greatest, other.greatest);
  }

  /** What `share` (0..1) of the values do not exceed, nearest rank; NaN of nothing. */
  percentile(share: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(share * this.count));
    if (rank === this.count) return this.greatest;
    let seen = 0;
    for (const [bucket, count] of this.sorted()) {
      seen += count;
      if (seen < rank) continue;
      const middle = bucket === ZERO ? 0 : beginOf(bucket + 0.5);
      return Math.min(this.greatest, Math.max(this.least, middle));
    }
    return this.greatest;
  }

  /** The buckets with something in them, smallest values first. */
  spread(): { from: number; to: number; count: number }[] {
    return this.sorted().map(([bucket, count]) => ({
      from: beginOf(bucket),
      to: bucket === ZERO ? LEAST : beginOf(bucket + 1),
      count,
    }));
  }

  private sorted(): [number, number][] {
    return [...this.buckets].sort(([left], [right]) => left - right);
  }
}
