/**
 * Mocha's spec reporter, plus the counts in one line at the end: `N passed, N failed`.
 * Owns: that line, and the same counts as JSON in the file named by MEME_ROUNDS_TEST_COUNTS (for `npm test`, which
 * repeats the line as the very last one). Does not own: the exit code, which is mocha's.
 */
const { writeFileSync } = require("node:fs");
const Mocha = require("mocha");

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats;
      const file = process.env.MEME_ROUNDS_TEST_COUNTS;
      if (file) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      else console.log(`${passes} passed, ${failures} failed`);
    });
  }
}

module.exports = CountingReporter;
