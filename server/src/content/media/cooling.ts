/**
 * Lets what the chain holds for good leave Redis (C6). Owns: going through what is kept, a page at a time, and the figures of
 * it. Does not own: what is final on the chain (passed in), lifetimes (store.ts).
 */
import type { Logger } from "../../infra/logger.ts";
import { counter, gauge } from "../../infra/metrics.ts";
import type { MediaStore } from "./store.ts";

export interface CoolingOptions {
  /** About as many files are looked at in a turn; default 100. */
  page?: number;
  /** ms between turns; default 30,000. */
  everyMs?: number;
}

export interface CoolingDeps {
  media: Pick<MediaStore, "keptPage" | "keptSize" | "cool">;
  /** Which of these files the chain holds, six blocks deep. May throw: they are asked about again. */
  finalOnChain(sha256s: readonly string[]): Promise<Set<string>>;
  logger: Logger;
}

const PAGE = 100;
const EVERY_MS = 30_000;

export class MediaCooling {
  private readonly page: number;
  private readonly everyMs: number;
  private readonly deps: CoolingDeps;
  private readonly files = gauge(
    "mr_media_kept_files",
    "Media kept in Redis because the chain does not hold them",
  );
  private readonly bytes = gauge("mr_media_kept_bytes", "Bytes of media kept in Redis");
  private readonly cooled = counter(
    "mr_media_cooled_total",
    "Media that the chain holds and Redis may forget",
  );
  private cursor = "0";
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: CoolingOptions, deps: CoolingDeps) {
    this.page = options.page ?? PAGE;
    this.everyMs = options.everyMs ?? EVERY_MS;
    this.deps = deps;
  }

  start(): void {
    const loop = async () => {
      await this.turn().catch((err: unknown) =>
        this.deps.logger.warn({ err }, "it is not known which media the chain holds: they stay"),
      );
      if (!this.stopped) this.timer = setTimeout(next, this.everyMs);
    };
    const next = () => {
      this.running = loop();
    };
    next();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Looks at one page of what is kept; the next turn goes on behind it. Rejects when the chain does not answer. */
  async turn(): Promise<void> {
    const { media, finalOnChain } = this.deps;
    const { cursor, sha256s } = await media.keptPage(this.cursor, this.page);
    if (sha256s.length > 0)
      for (const sha256 of await finalOnChain(sha256s)) if (await media.cool(sha256)) this.cooled.inc();
    this.cursor = cursor;
    const { files, bytes } = await media.keptSize();
    this.files.set(files);
    this.bytes.set(bytes);
  }
}
