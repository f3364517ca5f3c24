import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CompactionResult } from "../../persistence/compaction.ts";
import type { DocumentAddress } from "../../schema/ids.ts";
import type { TestDatabase } from "./database.ts";

const SCRIPT = fileURLToPath(new URL("compactor.ts", import.meta.url));

/** What a compactor process is told to do. `killAt`: kill yourself before this statement, or `after` all of them. */
export type CompactorJob = Pick<DocumentAddress, "documentId" | "part"> & { killAt?: string };

export type CompactorReply =
  | { ready: true }
  | { result: CompactionResult }
  | { error: { message: string; code: string | null } };

/** A process of its own that compacts what it is told to, over a connection it keeps. */
export type CompactorProcess = {
  /** Rejects with what the compaction threw; `killed` when the process did not live to answer. */
  compact(job: CompactorJob): Promise<CompactionResult | "killed">;
  /** Ends it as rudely as there is. */
  kill(): void;
  close(): Promise<void>;
};

/** Starts one and waits until it is connected. */
export async function startCompactor(
  database: Pick<TestDatabase, "env">,
): Promise<CompactorProcess> {
  const child = fork(SCRIPT, {
    execArgv: [],
    env: { PATH: process.env["PATH"], ...database.env },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const reply = async (): Promise<CompactorReply | "killed"> => {
    const [message] = (await Promise.race([
      once(child, "message"),
      ended.then(() => ["killed"]),
    ])) as [CompactorReply | "killed"];
    return message;
  };
  await reply();
  return {
    async compact(job) {
      const answer = reply();
      child.send(job);
      const got = await answer;
      if (got === "killed") return got;
      if ("error" in got) throw Object.assign(new Error(got.error.message), got.error);
      if ("result" in got) return got.result;
      throw new Error("the compactor answered out of turn");
    },
    kill: () => void child.kill("SIGKILL"),
    async close() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
