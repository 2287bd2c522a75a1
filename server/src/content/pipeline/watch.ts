/** What every worker of the pipeline has in common: failures are logged and counted, and it stops after the job in hand. */
import { UnrecoverableError, type Worker } from "bullmq";
import type { Logger } from "../../infra/logger.ts";
import { counter } from "../../infra/metrics.ts";

export interface PipelinePart {
  stop(): Promise<void>;
}

export function watch(workers: readonly Worker[], logger: Logger): PipelinePart {
  const failures = counter("mr_pipeline_failures_total", "Jobs of the 3D pipeline that failed, each try", [
    "queue",
    "reason",
  ]);
  for (const worker of workers) {
    worker.on("failed", (job, err) => {
      failures.inc({ queue: worker.name, reason: reasonOf(err) });
      logger.warn({ err, job: job?.id, attempts: job?.attemptsMade }, "a job of the 3D pipeline failed");
    });
    worker.on("stalled", (job) => logger.warn({ job }, "a job of the 3D pipeline was left by its worker"));
    worker.on("error", (err) => logger.error({ err }, "a worker of the 3D pipeline failed"));
  }
  return {
    async stop() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

/** `stalled`: its workers died with it. `hopeless`: not tried again. `passing`: tried again while attempts are left. */
function reasonOf(error: Error): "stalled" | "hopeless" | "passing" {
  if (error.message.includes("stalled")) return "stalled";
  return error instanceof UnrecoverableError ? "hopeless" : "passing";
}
