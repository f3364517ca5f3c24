import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** Where `.ci/run` finds the counts of the last run. Under node_modules: git ignores it and `npm ci` makes it. */
const REPORT = "node_modules/.vitest/report.json";

const GLOBAL_SETUP = "test/support/global-setup.ts";

const MINUTE_MS = 60_000;

export default defineConfig(({ mode }) => {
  // `--mode nightly` rather than `TEST_SIZE=nightly`: npm scripts know no assignment on Windows.
  const nightly = mode === "nightly" || process.env["TEST_SIZE"] === "nightly";
  return {
    test: {
      include: ["test/**/*.test.ts"],
      env: { TEST_SIZE: nightly ? "nightly" : "small" },
      globalSetup: existsSync(GLOBAL_SETUP) ? [GLOBAL_SETUP] : [],
      // Processes, not threads: tests start worker threads, send signals and measure memory.
      pool: "forks",
      // Two cores. Tests that wait for a lock or a latency get unreliable when more files share them.
      maxWorkers: 2,
      testTimeout: nightly ? 30 * MINUTE_MS : MINUTE_MS / 2,
      hookTimeout: nightly ? 5 * MINUTE_MS : MINUTE_MS,
      reporters: process.env["CI"] ? ["default", "json"] : ["default"],
      outputFile: { json: REPORT },
    },
  };
});
