import type { Child, Processes } from "./processes.ts";
import { freePort, untilReady } from "./processes.ts";

/** What a document takes in the database, in bytes. */
export type StoredBytes = {
  /** What opening the document needs: the state, and the updates after it. */
  content: number;
  /** The same as PostgreSQL keeps it, after its own compression. */
  onDisk: number;
  /** What is kept for point-in-time recovery; 0 where there is none. */
  history: number;
};

/** How one of the two servers keeps its documents. */
export type Storage = {
  /** Makes documents and a token that may edit them; called while the server runs. */
  prepare(documents: number): Promise<{ token: string; names: string[] }>;
  /** Brings the storage to its resting state, as an administrator would. */
  compact(name: string): Promise<void>;
  storedBytes(name: string): Promise<StoredBytes>;
};

/** A server under test, in a process of its own. */
export type Subject = Storage & {
  readonly label: string;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** SIGTERM: it may put its things in order. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Websocket address of the running server; another one after each start. */
  url(): string;
  pid(): number;
};

/** 30 s: migrations on an empty database included. */
const READY_TIMEOUT_MS = 30_000;

export function createSubject(options: {
  label: string;
  script: URL;
  readyPath: string;
  socketPath: string;
  env: NodeJS.ProcessEnv;
  processes: Processes;
  storage: Storage;
}): Subject {
  let running: { child: Child; port: number } | undefined;
  const current = (): { child: Child; port: number } => {
    if (running === undefined) throw new Error(`${options.label} is not running`);
    return running;
  };
  return {
    ...options.storage,
    label: options.label,
    async start() {
      const port = await freePort();
      const env = { ...options.env, PORT: String(port), HOST: "127.0.0.1" };
      const child = options.processes.start(options.script, { env });
      running = { child, port };
      await untilReady(child, `http://127.0.0.1:${port}${options.readyPath}`, READY_TIMEOUT_MS);
    },
    async stop() {
      await running?.child.stop();
      running = undefined;
    },
    async kill() {
      await current().child.kill();
      running = undefined;
    },
    url: () => `ws://127.0.0.1:${current().port}${options.socketPath}`,
    pid: () => current().child.pid,
  };
}
