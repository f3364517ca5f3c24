import { once } from "node:events";
import type { Ledger } from "./ledger.ts";
import type { Processes } from "./processes.ts";

/** What `admin compact --json` says it did, as far as the bench looks at it. */
export type CompactReport = Ledger & {
  compacted: number;
  savedBytes: number;
  failures: readonly { message: string }[];
};

/**
 * What an administrator would type, beside the running server; `interrupt` is his Ctrl-C.
 * Seconds from the start of its process to its end.
 */
export async function compactAll(
  processes: Processes,
  env: NodeJS.ProcessEnv,
  interrupt: AbortSignal,
): Promise<CompactReport & { seconds: number }> {
  const startedAt = performance.now();
  const child = processes.start(new URL("../server/cli/main.ts", import.meta.url), {
    env,
    arguments: ["compact", "--all", "--json"],
  });
  let answer = "";
  child.process.stdout?.on("data", (chunk: Buffer) => {
    answer += chunk.toString("utf8");
  });
  interrupt.addEventListener("abort", () => child.process.kill("SIGTERM"), { once: true });
  // "close" comes after the last of the output, "exit" may come before.
  await once(child.process, "close");
  const seconds = (performance.now() - startedAt) / 1_000;
  // 1 is also how it says that there was more to do when it was interrupted.
  if (answer === "") {
    const why = interrupt.aborted ? "it had not begun when the typing ended" : child.output();
    throw new Error(`compact --all: ${why}`);
  }
  const report = JSON.parse(answer) as CompactReport;
  const [failure] = report.failures;
  if (failure !== undefined) throw new Error(`compact --all: ${failure.message}`);
  return { ...report, seconds };
}
