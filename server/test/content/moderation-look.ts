/** Classifies one picture in a process of its own, for the test that it does so without a network. */
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { createClassifier } from "../../src/content/moderation/classifier.ts";
import { createLogger } from "../../src/infra/logger.ts";

const [file = "", alsoFetch] = process.argv.slice(2);
const classifier = createClassifier({}, { logger: createLogger("test", "silent") });
console.log(JSON.stringify(await classifier.scoresOf(await readFile(file))));
await classifier.stop();
if (alsoFetch) new Worker(new URL("data:text/javascript,await fetch('http://127.0.0.1:9').catch(() => 0)"));
