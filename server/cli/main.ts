import { createProgram } from "./program.ts";
import { reportFailure } from "./failure.ts";

const argv = process.argv.slice(2);
const json = argv.includes("--json");
// `admin list | head` closes the pipe early: no fault of anybody.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  await createProgram({ silent: json }).parseAsync(argv, { from: "user" });
} catch (error) {
  process.exitCode = reportFailure(error, { json });
}
