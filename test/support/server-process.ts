import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const MAIN = fileURLToPath(new URL("../../server/main.ts", import.meta.url));

/** A server in a process of its own, to be killed as rudely as a test likes. */
export type ServerProcess = {
  readonly port: number;
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote to standard output and standard error so far. */
  output(): string;
  /** Sends a signal and waits for the end; answers the exit code, null when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
};

/** Starts `server/main.ts` and waits until `/readyz` answers 200; with `ready: false` only until it was started. */
export async function startServerProcess(options: {
  env: Record<string, string>;
  port?: number;
  ready?: boolean;
}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env["PATH"], LOG_LEVEL: "warn", PORT: String(port), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const server: ServerProcess = {
    port,
    url: `ws://127.0.0.1:${port}/collaboration`,
    child,
    output: () => output,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  if (options.ready !== false) await untilReady(server);
  return server;
}

/** Waits until `/readyz` says 200; fails at once when the process has ended. */
export const untilReady = (server: ServerProcess, timeoutMs = 30_000): Promise<void> =>
  until(
    async () => {
      const { exitCode, signalCode } = server.child;
      if (exitCode !== null || signalCode !== null) {
        throw new Error(`the server ended: ${server.output()}`);
      }
      const answer = await fetch(`http://127.0.0.1:${server.port}/readyz`).catch(() => null);
      return answer?.status === 200;
    },
    { timeoutMs, describe: "the server is ready" },
  );

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, "127.0.0.1", listening));
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
