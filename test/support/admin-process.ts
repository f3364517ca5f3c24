import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../server/cli/main.ts", import.meta.url));

/** How a run of the administration script ended. */
export type AdminRun = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type AdminOptions = {
  readonly env: Record<string, string>;
  readonly input?: string;
  /** Called with what it has written to standard error so far. */
  readonly onStderr?: (stderr: string, child: ChildProcess) => void;
};

/** Runs `npm run admin -- <args>` in a process of its own and waits for its end. */
export function runAdmin(args: readonly string[], options: AdminOptions): Promise<AdminRun> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env["PATH"], ...options.env },
    stdio: "pipe",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    options.onStderr?.(stderr, child);
  });
  child.stdin.end(options.input ?? "");
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The same with `--json`: what it answered, read. Fails the test when it did not end with `code`. */
export async function askAdmin<T>(
  args: readonly string[],
  options: AdminOptions & { code?: number },
): Promise<T> {
  const run = await runAdmin([...args, "--json"], options);
  if (run.code !== (options.code ?? 0)) {
    throw new Error(`admin ${args.join(" ")} ended with ${run.code}: ${run.stderr}${run.stdout}`);
  }
  return JSON.parse(run.stdout === "" ? run.stderr : run.stdout) as T;
}
