/**
 * Metrics for Prometheus: one registry a process, and who may read it.
 * Owns: making a metric once however often it is asked for, the process' own metrics, the answer of GET /metrics.
 * Does not own: what is measured; each service asks for its own metrics by name (`mr_*`) where it counts.
 *
 * The registry is the library's own. It is the one piece of state per process that is shared without being passed in:
 * a scrape has to find what any part of the process counts, and a metric asked for twice has to be one.
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { BlockList, isIP } from "node:net";
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from "prom-client";

/** Ours begin with `mr_`; seconds, sats and bytes are named as units at the end. */
const NAME = /^mr_[a-z0-9]+(?:_[a-z0-9]+)*$/;

/** Seconds, from 1 ms to a minute: from a voucher's check to a large settlement. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Named {
  labelNames?: readonly string[];
}

/** The metric of that name, made at the first call. Throws TypeError where the name was taken by something else. */
function once<M extends object>(
  name: string,
  labelNames: readonly string[],
  kind: abstract new (...args: never[]) => M,
  make: () => M,
): M {
  if (!NAME.test(name)) throw new TypeError(`a metric is named mr_like_this, not ${name}`);
  const had: unknown = register.getSingleMetric(name);
  if (had === undefined) return make();
  const same = had instanceof kind && (had as Named).labelNames?.toString() === [...labelNames].toString();
  if (!same) throw new TypeError(`${name} exists already as another kind of metric or with other labels`);
  return had;
}

/**
 * A value that goes up and down. The same name gives the same gauge again.
 * Throws TypeError for a name not like `mr_*` or one that was taken by another kind of metric.
 */
export const gauge = <L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[] = [],
): Gauge<L> => once<Gauge<L>>(name, labelNames, Gauge, () => new Gauge({ name, help, labelNames }));

/** A number that only rises. Otherwise like `gauge`. */
export const counter = <L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[] = [],
): Counter<L> => once<Counter<L>>(name, labelNames, Counter, () => new Counter({ name, help, labelNames }));

/** A distribution; the buckets are seconds unless given. Otherwise like `gauge`. */
export const histogram = <L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[] = [],
  buckets: readonly number[] = BUCKETS,
): Histogram<L> =>
  once<Histogram<L>>(
    name,
    labelNames,
    Histogram,
    () => new Histogram({ name, help, labelNames, buckets: [...buckets] }),
  );

/** Begins to measure the process itself: event loop lag, CPU, memory, open files. More than one call is one. */
export function measureProcess(): void {
  if (register.getSingleMetric("nodejs_eventloop_lag_seconds") === undefined) collectDefaultMetrics();
}

/** Names of every metric that was made in this process. */
export const metricNames = (): string[] => register.getMetricsAsArray().map(({ name }) => name);

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Headers that a proxy adds. A call that has one was made by somebody else, wherever its socket comes from. */
const FORWARDING = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

type Caller = Pick<IncomingMessage, "headers"> & { socket: { remoteAddress?: string | undefined } };

/**
 * Whether this caller may read the metrics: with the token where there is one, else from this machine and not through
 * a proxy. What a header says about where a call comes from only ever counts against it.
 */
export function mayRead({ headers, socket }: Caller, token: string | undefined): boolean {
  const given = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  if (token !== undefined && given !== undefined) {
    const digest = (text: string) => hash("sha256", text, "buffer");
    return timingSafeEqual(digest(given), digest(token));
  }
  if (FORWARDING.some((name) => headers[name] !== undefined)) return false;
  const address = socket.remoteAddress ?? "";
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Answers GET /metrics: Prometheus' text, or 403 for those who may not read it. Does not reject. */
export async function answerMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
): Promise<void> {
  const [status, type, text] = mayRead(request, token)
    ? await collected()
    : [403, PLAIN, "Metrics are read from this machine, or with the METRICS_TOKEN as bearer token.\n"];
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
}

const PLAIN = "text/plain; charset=utf-8";

async function collected(): Promise<[status: number, type: string, text: string]> {
  try {
    return [200, register.contentType, await register.metrics()];
  } catch (error) {
    // The scrape fails, and Prometheus raises its own alarm about that.
    return [500, PLAIN, `a metric could not be collected: ${String(error)}\n`];
  }
}
