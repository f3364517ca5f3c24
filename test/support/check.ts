/** `npm run check`: every check in turn, the cheapest first; the first that fails ends it and is named. */
import { spawnSync } from "node:child_process";

const CHECKS = [
  { name: "format", script: "format:check", mend: "npm run format" },
  { name: "lint", script: "lint", mend: "npm run lint -- --fix mends some of it" },
  { name: "types", script: "types", mend: "npm run types" },
  { name: "dead code", script: "dead", mend: "npm run dead" },
  { name: "tests", script: "test", mend: "npm test" },
] as const;

for (const { name, script, mend } of CHECKS) {
  console.info(`check: ${name} …`);
  const startedMs = performance.now();
  // Windows knows npm only as a batch file, which takes a shell; nothing in this line comes from outside.
  const { status, error } = spawnSync(`npm run --silent ${script}`, {
    stdio: "inherit",
    shell: true,
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`check: ${name} FAILED after ${seconds} s (${mend})`, error ?? "");
    process.exit(1);
  }
  console.info(`check: ${name} ok, ${seconds} s`);
}
console.info("check: all clean");
