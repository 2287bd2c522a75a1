/** What every worker of the pipeline has in common: failures are logged, and it stops after the job in hand. */
import type { Worker } from "bullmq";
import type { Logger } from "../../infra/logger.ts";

export interface PipelinePart {
  stop(): Promise<void>;
}

export function watch(workers: readonly Worker[], logger: Logger): PipelinePart {
  for (const worker of workers) {
    worker.on("failed", (job, err) =>
      logger.warn({ err, job: job?.id, attempts: job?.attemptsMade }, "a job of the 3D pipeline failed"),
    );
    worker.on("stalled", (job) => logger.warn({ job }, "a job of the 3D pipeline was left by its worker"));
    worker.on("error", (err) => logger.error({ err }, "a worker of the 3D pipeline failed"));
  }
  return {
    async stop() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
