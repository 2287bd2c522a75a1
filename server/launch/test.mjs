// @ts-check
/**
 * `npm test`: brings what the tests need (packages, Redis, Chromium, nginx, the built page), runs mocha on Node 24, and ends
 * with the line `N passed, N failed`. Arguments go to mocha (`npm test -- --grep E8`,
 * `npm test -- server/test/launch/plan.test.mjs`).
 * Owns: the set-up and the last line. Does not own: which files are tests (.mocharc.json) and what they do.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import {
  ensureChromium,
  ensureNginx,
  ensurePackages,
  ensurePage,
  ensureRedis,
  findNode,
  projectRoot,
  SetupError,
} from "./setup.mjs";

const root = projectRoot;
// Not in .mocharc.json: mocha would add it to the files named on the command line.
const slow = "browser|game|privacy|rebuild";
// The slow ones first: begun last, they would run alone at the end, beside an idle second job.
const everyTest = [
  `server/test/@(${slow})/**/*.test.ts`,
  `server/test/!(${slow})/**/*.test.{ts,mjs}`,
  "server/test/*.test.ts",
  "{shared-schema,client,loadtest}/test/**/*.test.{ts,mjs}",
];
// Two files at a time: each has a Redis and ports of its own, and most of a test is waiting for other processes.
const together = ["--parallel", "--jobs", "2"];
/** @param {string} line */
const say = (line) => console.log(line);

try {
  process.exitCode = runTests();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @returns {number} exit code */
function runTests() {
  ensurePackages({ root, say });
  const node = findNode({ root });
  const redis = ensureRedis({ say });
  const chromium = ensureChromium({ say });
  ensureNginx({ say });
  ensurePage({ root, say });

  const folder = mkdtempSync(join(tmpdir(), "meme-rounds-test-"));
  const countsFile = join(folder, "counts.json");
  const mocha = spawnSync(
    node,
    [
      join(root, "node_modules", "mocha", "bin", "mocha.js"),
      "--reporter",
      join(root, "server", "test", "support", "reporter.cjs"),
      "--fail-zero",
      ...process.argv.slice(2),
      ...(namesFiles(process.argv.slice(2)) ? [] : [...together, ...everyTest]),
    ],
    {
      cwd: root,
      stdio: "inherit",
      env: {
        ...process.env,
        NODE_ENV: "testing",
        PATH: [join(root, "node_modules", ".bin"), dirname(redis), process.env.PATH ?? ""].join(delimiter),
        CHROMIUM_PATH: chromium,
        MEME_ROUNDS_TEST_COUNTS: countsFile,
      },
    },
  );
  const counts = readCounts(countsFile);
  rmSync(folder, { recursive: true, force: true });
  if (counts === undefined) {
    console.error("mocha ended before it had run the tests: what it said is above.");
    console.log("0 passed, 0 failed");
    return mocha.status || 1;
  }
  if (counts.passed + counts.failed === 0) console.error("No test ran.");
  if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  // A signal leaves no status.
  return (mocha.status ?? 1) || (counts.passed === 0 || counts.failed > 0 ? 1 : 0);
}

/**
 * @param {string[]} args
 * @returns {boolean} true when some argument is a file or a pattern of files
 */
function namesFiles(args) {
  return args.some((arg) => !arg.startsWith("-") && /\.test\./.test(arg));
}

/**
 * @param {string} file
 * @returns {{ passed: number, failed: number, skipped: number } | undefined} undefined when mocha never got to its end
 */
function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // The reporter did not write it: the caller says so.
  }
}
