import { afterEach } from "vitest";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Starts server processes that are gone when the test is over, also when it failed half-way. */
export function useServers(): typeof startServerProcess {
  const started: ServerProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.end("SIGKILL")));
  });
  return async (options) => {
    const server = await startServerProcess(options);
    started.push(server);
    return server;
  };
}
