import { once } from "node:events";
import type { Ledger } from "./ledger.ts";
import type { Processes } from "./processes.ts";

/** What `admin compact --json` says it did, as far as the bench looks at it. */
export type CompactReport = Ledger & { compacted: number; savedBytes: number };

/** What an administrator would type, beside the running server. Seconds from the start of its process to its end. */
export async function compactAll(
  processes: Processes,
  env: NodeJS.ProcessEnv,
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
  // "close" comes after the last of the output, "exit" may come before.
  await once(child.process, "close");
  const seconds = (performance.now() - startedAt) / 1_000;
  if (child.process.exitCode !== 0) throw new Error(`compact --all: ${child.output()}`);
  return { ...(JSON.parse(answer) as CompactReport), seconds };
}
