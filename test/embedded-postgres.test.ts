import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../persistence/embedded-postgres.ts";
import { isAlive, readPidFile } from "../persistence/embedded-postmaster.ts";
import { until } from "./support/until.ts";

const MODULE = new URL("../persistence/embedded-postgres.ts", import.meta.url).href;

/** Holds a cluster that ran once; copied where a test is not about the first start. */
let template: string;
let base: string;
let dataDir: string;
let started: EmbeddedPostgres[];
let children: ChildProcess[];
let pools: postgres.Sql[];

async function openFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "embedded-")));
  // Open to the user postgres, so that as root, too, the cluster lies in the folder itself.
  await chmod(folder, 0o755);
  return folder;
}

beforeAll(async () => {
  template = await openFolder();
  await (await startEmbeddedPostgres({ dataDir: template })).close();
});

afterAll(async () => {
  await rm(template, { recursive: true, force: true });
});

beforeEach(async () => {
  base = await openFolder();
  dataDir = join(base, "data");
  started = [];
  children = [];
  pools = [];
});

afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })));
  for (const child of children) child.kill("SIGKILL");
  for (const handle of started) await handle.close();
  const left = await readPidFile(join(dataDir, "postgres")).catch(() => null);
  const leftRunning = left !== null && left.pid !== process.pid && isAlive(left.pid);
  if (leftRunning) process.kill(left.pid, "SIGQUIT");
  await rm(base, { recursive: true, force: true, maxRetries: 5 });
  expect(leftRunning, "a PostgreSQL was left running").toBe(false);
});

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const handle = await startEmbeddedPostgres({ dataDir, ...options });
  started.push(handle);
  return handle;
}

function open(handle: EmbeddedPostgres, applicationName = "scriptorium test"): postgres.Sql {
  const connection = { application_name: applicationName };
  const pool = postgres({ ...handle.connection, max: 1, connection, onnotice: () => {} });
  pools.push(pool);
  return pool;
}

/** Puts a stopped cluster into the data folder. `cp -a`, because Node's own copy would give it to root. */
async function copyTemplate(): Promise<void> {
  await promisify(execFile)("cp", ["-a", template, dataDir]);
}

/** Starts it in a process of its own, which stays until it is killed; answers when PostgreSQL is ready. */
async function startElsewhere(): Promise<ChildProcess> {
  const code = `
    import { startEmbeddedPostgres } from ${JSON.stringify(MODULE)};
    const handle = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    process.stdout.write("ready");
    process.stdin.once("end", () => handle.close()).resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

async function postmasterPid(): Promise<number> {
  const file = await readPidFile(await realpath(join(dataDir, "postgres")));
  if (file === null) throw new Error("no postmaster.pid");
  return file.pid;
}

/** An orphan's entry stays until the system's first process has collected it. */
async function untilEnded(pid: number): Promise<void> {
  await until(() => !isAlive(pid), { describe: "PostgreSQL to end" });
}

async function expectRefusal(code: string, sentence: RegExp): Promise<void> {
  await expect(start()).rejects.toMatchObject({
    name: "ScriptoriumError",
    code,
    message: expect.stringMatching(sentence),
  });
}

test("the first start makes a cluster nobody else can enter, the second finds its rows", async () => {
  const first = await start();
  expect(first.startedByUs).toBe(true);
  const cluster = join(dataDir, "postgres");
  expect((await stat(cluster)).mode & 0o777).toBe(0o700);
  const sql = open(first);
  await sql`create table kept as select 'Grüße' as word`;
  const [settings] = await sql`
    select current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync,
           current_setting('listen_addresses') as tcp, current_setting('data_checksums') as checksums,
           current_setting('server_encoding') as encoding`;
  expect(settings).toEqual({
    commit: "on",
    fsync: "on",
    tcp: "",
    checksums: "on",
    encoding: "UTF8",
  });
  await sql.end();
  const pid = await postmasterPid();
  await first.close();
  await first.close();
  await untilEnded(pid);

  const second = await start();
  expect(second.startedByUs).toBe(true);
  expect(second.connection).toEqual(first.connection);
  expect(await open(second)`select word from kept`).toEqual([{ word: "Grüße" }]);
});

test("a PostgreSQL whose server was killed is adopted, and can be stopped", async () => {
  await copyTemplate();
  const server = await startElsewhere();
  const pid = await postmasterPid();
  server.kill("SIGKILL");
  await once(server, "exit");
  const adopted = await start();
  expect(adopted.startedByUs).toBe(false);
  expect(await postmasterPid()).toBe(pid);
  expect(await open(adopted)`select 1 as one`).toEqual([{ one: 1 }]);
  await pools[0]?.end();
  await adopted.close();
  await untilEnded(pid);
});

test("a killed postmaster is followed by a new one at the same address", async () => {
  await copyTemplate();
  const first = await start();
  const sql = open(first);
  await sql`create table kept as select 1 as one`;
  process.kill(await postmasterPid(), "SIGKILL");
  const second = await start();
  expect(second.startedByUs).toBe(true);
  expect(second.connection).toEqual(first.connection);
  // The driver may need one statement to notice that its connection is gone.
  const rows = await sql`select one from kept`.catch(() => sql`select one from kept`);
  expect(rows).toEqual([{ one: 1 }]);
});

test("a pid file whose number went to another process does not stop the start", async () => {
  await copyTemplate();
  const cluster = join(dataDir, "postgres");
  const lines = [process.pid, cluster, 1, 5432, cluster, "", "1 1", "ready   "];
  await writeFile(join(cluster, "postmaster.pid"), `${lines.join("\n")}\n`);
  await writeFile(join(cluster, ".s.PGSQL.5432.lock"), `${process.pid}\n`);
  const again = await start();
  expect(again.startedByUs).toBe(true);
});

test("a cluster of another major version is refused and left as it is", async () => {
  const cluster = join(dataDir, "postgres");
  await mkdir(cluster, { recursive: true });
  // As root an existing cluster runs as its owner, and root is refused before the version is read.
  const asOrdinaryUser = process.getuid?.() !== 0;
  if (!asOrdinaryUser) await chown(cluster, 65534, 65534);
  await writeFile(join(cluster, "PG_VERSION"), "16\n");
  await expectRefusal(
    "bad_configuration",
    /made by PostgreSQL 16 .* carries 18; .*pg_upgrade.*DATABASE_URL/u,
  );
  expect(await readFile(join(cluster, "PG_VERSION"), "utf8")).toBe("16\n");
});

test("a file in place of the data folder is named", async () => {
  await writeFile(dataDir, "");
  await expectRefusal("bad_configuration", /data is not a folder/u);
});

test("a folder of something else is not taken for a cluster", async () => {
  await mkdir(join(dataDir, "postgres"), { recursive: true });
  await writeFile(join(dataDir, "postgres", "notes.txt"), "mine");
  await expectRefusal("bad_configuration", /postgres/u);
  expect(await readFile(join(dataDir, "postgres", "notes.txt"), "utf8")).toBe("mine");
});

test.skipIf(process.getuid?.() === 0)("a folder without write permission is named", async () => {
  await mkdir(dataDir, { mode: 0o555 });
  await expectRefusal("bad_configuration", /may not write in the data folder .*data/u);
});

test("a start that fails says what PostgreSQL said", async () => {
  await copyTemplate();
  await writeFile(join(dataDir, "postgres", "postgresql.conf"), "no_such_setting = 1\n");
  await expectRefusal("storage_unavailable", /could not be started in .*: .*postgresql\.conf/u);
});

test("two starts at once on an empty folder end with one PostgreSQL", async () => {
  const [one, two] = await Promise.all([start(), start(), startElsewhere()]);
  expect(one.connection).toEqual(two.connection);
  await open(one)`create table shared as select 1 as one`;
  expect(await open(two)`select one from shared`).toEqual([{ one: 1 }]);
  expect((await readdir(dataDir)).toSorted()).toEqual(["postgres", "postgres.log"]);
  children[0]?.stdin?.end();
  await until(() => children[0]?.exitCode === 0);
});

test("the last one out stops it, nobody before", async () => {
  await copyTemplate();
  const server = await start();
  const script = await start();
  const pid = await postmasterPid();
  expect(script.startedByUs).toBe(false);
  await server.close();
  expect(isAlive(pid)).toBe(true);
  // A pool that came without a start of its own counts as well, by its application name.
  const pool = open(script);
  await pool`select 1`;
  await script.close();
  expect(isAlive(pid)).toBe(true);
  await pool.end();
  await (await start()).close();
  await untilEnded(pid);
});

test("over TCP it listens on 127.0.0.1 alone and asks for the password", async () => {
  const handle = await start({ transport: "tcp" });
  expect(handle.connection).toMatchObject({ host: "127.0.0.1", password: expect.any(String) });
  expect(await open(handle)`select 1 as one`).toEqual([{ one: 1 }]);
  const stranger = postgres({ ...handle.connection, password: "guess", max: 1 });
  pools.push(stranger);
  await expect(stranger`select 1`).rejects.toMatchObject({ code: "28P01" });
});

test("a path too long for a socket gets one in a folder of its own, private and tidied up", async () => {
  dataDir = join(base, "d".repeat(90));
  await copyTemplate();
  const handle = await start();
  const { host } = handle.connection;
  expect(host.startsWith(dataDir)).toBe(false);
  expect((await stat(host)).mode & 0o777).toBe(0o700);
  expect(await open(handle)`select 1 as one`).toEqual([{ one: 1 }]);
  await pools[0]?.end();
  await handle.close();
  await expect(stat(host)).rejects.toMatchObject({ code: "ENOENT" });
  expect((await start()).connection.host).toBe(host);
});

test.runIf(process.getuid?.() === 0)(
  "as root in a folder closed to others the cluster lies elsewhere",
  async () => {
    await mkdir(dataDir, { mode: 0o700 });
    const systemDir = join(base, "system");
    const handle = await start({ systemDir });
    expect((await lstat(join(dataDir, "postgres"))).isSymbolicLink()).toBe(true);
    expect(await realpath(join(dataDir, "postgres"))).toMatch(new RegExp(`^${systemDir}/`, "u"));
    await open(handle)`create table kept as select 1 as one`;
    await pools[0]?.end();
    await handle.close();
    expect(await open(await start({ systemDir }))`select one from kept`).toEqual([{ one: 1 }]);
  },
);
