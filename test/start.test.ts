import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HocuspocusProvider } from "@hocuspocus/provider";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort, startServerProcess, untilReady } from "./support/server-process.ts";
import { until } from "./support/until.ts";

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "scriptorium-start-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** Starts a server that must refuse: answers what it said and its exit code. */
async function refusal(env: Record<string, string>, port?: number) {
  const started = await startServerProcess({
    env: { DATA_DIR: dataDir, ...env },
    ready: false,
    ...(port === undefined ? {} : { port }),
  });
  const exitCode = await new Promise<number | null>((resolve) =>
    started.child.once("close", resolve),
  );
  return { exitCode, said: started.output() };
}

const demoOf = (output: string) => ({
  name: /document:[0-9a-f-]{36}/u.exec(output)?.[0] ?? "",
  token: /token +(\S+)/u.exec(output)?.[1] ?? "",
});

test("[L1] the first start prints a demo document and a token, and kill -9 loses nothing of it", async () => {
  const first = await startServerProcess({ env: { DATA_DIR: dataDir } });
  await until(() => first.output().includes("is ready on"));
  const { name, token } = demoOf(first.output());
  const one = new HocuspocusProvider({ url: first.url, name, token });
  await until(() => one.synced);
  one.document.getText("diagram").insert(0, "written before the kill");
  await until(() => !one.hasUnsyncedChanges);
  one.destroy();
  await first.end("SIGKILL");

  // PostgreSQL outlived its server: the next one takes it over.
  const second = await startServerProcess({ env: { DATA_DIR: dataDir } });
  expect(demoOf(second.output()).name).toBe("");
  const other = new HocuspocusProvider({ url: second.url, name, token });
  await until(() => other.synced);
  expect(other.document.getText("diagram").toJSON()).toBe("written before the kill");

  await refuseSecondServer();
  await killPostgres(second.port);
  other.document.getText("diagram").insert(0, "again ");
  await until(() => !other.hasUnsyncedChanges, { timeoutMs: 20_000 });
  other.destroy();
  expect(await second.end("SIGTERM")).toBe(0);
});

async function refuseSecondServer(): Promise<void> {
  const { exitCode, said } = await refusal({});
  expect(exitCode).toBe(1);
  expect(said).toContain("Another server runs on this data folder");
}

/** Kills the postmaster and waits until the server has started it again. */
async function killPostgres(port: number): Promise<void> {
  const pidFile = join(dataDir, "postgres", "postmaster.pid");
  const pid = Number((await readFile(pidFile, "utf8")).split("\n", 1)[0]);
  process.kill(pid, "SIGKILL");
  await until(
    async () =>
      Number((await readFile(pidFile, "utf8").catch(() => "0")).split("\n", 1)[0]) !== pid,
    {
      timeoutMs: 30_000,
      describe: "another postmaster",
    },
  );
  await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200, {
    timeoutMs: 30_000,
  });
}

test.each([
  ["PORT", "abc", "PORT"],
  ["LOG_LEVEL", "loud", "allowed are"],
  ["COMMIT_WINDOW_MS", "-1", "at least 0"],
  ["DATABASE_URL", "mysql://secret@host/x", "must start with postgres://"],
])("%s=%s stops the start with its name and what is allowed", async (name, value, expected) => {
  const { exitCode, said } = await refusal({ [name]: value });
  expect(exitCode).toBe(1);
  expect(said).toContain(name);
  expect(said).toContain(expected);
  expect(said).not.toContain("secret");
  expect(said.trim().split("\n")).toHaveLength(1);
});

test("an unreachable database is one clear sentence", async () => {
  const port = await freePort();
  const { exitCode, said } = await refusal({
    DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none`,
  });
  expect(exitCode).toBe(1);
  expect(said.trim().split("\n")).toHaveLength(1);
  expect(said).toContain("PostgreSQL cannot be reached");
});

test("a taken port is one clear sentence, and the data is untouched", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await until(() => blocker.listening);
  const address = blocker.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { exitCode, said } = await refusal({ LOG_LEVEL: "fatal" }, port);
  expect(exitCode).toBe(1);
  expect(said).toContain(`Port ${port} on 127.0.0.1 is taken`);
  blocker.close();
  const server = await startServerProcess({ env: { DATA_DIR: dataDir } });
  await untilReady(server);
  expect(await server.end("SIGTERM")).toBe(0);
});

test("a data folder that is a file is one clear sentence", async () => {
  const file = join(dataDir, "file");
  await writeFile(file, "");
  const { exitCode, said } = await refusal({ DATA_DIR: file });
  expect(exitCode).toBe(1);
  expect(said.trim().split("\n")).toHaveLength(1);
  expect(said).toContain(file);
});

test.runIf(process.platform === "linux")(
  "a data folder that cannot be made is one clear sentence, not an endless attempt",
  async () => {
    const { exitCode, said } = await refusal({ DATA_DIR: "/proc/scriptorium" });
    expect(exitCode).toBe(1);
    expect(said.trim().split("\n")).toHaveLength(1);
    expect(said).toContain("/proc/scriptorium");
  },
);
