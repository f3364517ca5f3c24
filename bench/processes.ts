import { type ChildProcess, fork, type ForkOptions } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** 15 s: plain Hocuspocus stores every open document before it ends. */
const STOP_TIMEOUT_MS = 15_000;

/** Only the end of what a child printed is kept, for the message when it fails. */
const OUTPUT_CHARACTERS = 4_000;

export type Child = {
  readonly pid: number;
  readonly process: ChildProcess;
  /** The end of what it printed. */
  output(): string;
  readonly ended: Promise<void>;
  /** SIGTERM, and SIGKILL when that is not heeded. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
};

/** Starts children and knows every one that has not ended, so that none outlives the bench. */
export type Processes = {
  start(script: URL, options: { env: NodeJS.ProcessEnv; arguments?: string[] }): Child;
  /** Synchronous and by pid: the last thing the bench does, however it ends. Nothing starts after it. */
  killAll(): void;
};

export function createProcesses(): Processes {
  const running = new Set<ChildProcess>();
  let killed = false;
  return {
    start(script, options) {
      if (killed) throw new Error("Interrupted");
      const settings: ForkOptions = {
        env: options.env,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        serialization: "advanced",
      };
      const child = fork(script, options.arguments ?? [], settings);
      running.add(child);
      child.once("exit", () => running.delete(child));
      return wrap(child);
    },
    killAll() {
      killed = true;
      for (const child of running) child.kill("SIGKILL");
      running.clear();
    },
  };
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });

function wrap(child: ChildProcess): Child {
  const { pid } = child;
  if (pid === undefined) throw new Error("A child process could not be started");
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-OUTPUT_CHARACTERS);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const isOver = ended(child);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await isOver;
  };
  const stop = async (): Promise<void> => {
    const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.kill("SIGTERM");
    await isOver;
    clearTimeout(impatience);
  };
  return { pid, process: child, output: () => output, ended: isOver, stop, kill };
}

/** A port nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No free port");
  return address.port;
}

/** Resolves when `url` answers 200. @throws when the child ends first or `timeoutMs` pass. */
export async function untilReady(child: Child, url: string, timeoutMs: number): Promise<void> {
  const isOver = (): boolean =>
    child.process.exitCode !== null || child.process.signalCode !== null;
  const giveUpAt = performance.now() + timeoutMs;
  while (!isOver() && performance.now() < giveUpAt) {
    // Refused while the child does not listen yet: ask again.
    const status = await fetch(url).then(
      (response) => response.body?.cancel().then(() => response.status),
      () => 0,
    );
    if (status === 200) return;
    await sleep(20);
  }
  throw new Error(`${url} ${isOver() ? "ended" : "was not ready"}: ${child.output()}`);
}
