import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Oracle } from "./support/oracle.ts";
import { type OwnPostgres, startOwnPostgres } from "./support/own-postgres.ts";
import { faultsInDatabase } from "./support/replay.ts";
import { createRandom } from "./support/seed.ts";
import { useServers } from "./support/servers.ts";
import { createTenant, type Tenant } from "./support/tenant.ts";
import { openTypist, typeSteadily } from "./support/typist.ts";
import { until } from "./support/until.ts";

/** A file system of its own, that can be filled without harm to anybody. Only root may mount one, on Linux. */
const disk = mountSmallDisk();

const NO_DISK =
  "no file system that may be filled: that takes root, on Linux, and the right to mount";
if (disk === null) {
  // oxlint-disable-next-line no-console -- vitest prints it under the name of the test file
  console.info(`"the disk is really full" is skipped: ${NO_DISK}`);
}

function mountSmallDisk(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), "scriptorium-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", folder], {
      stdio: "ignore",
    });
    return folder;
  } catch {
    // A container without the right to mount.
    rmSync(folder, { recursive: true });
    return null;
  }
}

let postgres: OwnPostgres;
let tenant: Tenant;
const random = createRandom();
const startServer = useServers();

beforeAll(async () => {
  if (disk === null) return;
  postgres = await startOwnPostgres({ folder: disk });
  tenant = await createTenant(postgres.database.sql);
});
afterAll(async () => {
  if (disk === null) return;
  await postgres.close();
  execFileSync("umount", ["--lazy", disk]);
  rmSync(disk, { recursive: true, force: true });
});

/** Takes every byte that is left; answers how to give them back. */
async function fill(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "ballast");
  const file = await open(path, "w");
  const block = Buffer.alloc(4096);
  try {
    for (;;) await file.write(block);
  } catch {
    await file.close();
  }
  expect(statfsSync(folder).bavail).toBe(0);
  return () => rm(path);
}

test.skipIf(disk === null)(
  "[L1 L7 T7] the disk is really full: nothing acknowledged, nothing lost, and it passes without a restart",
  async () => {
    if (disk === null) throw new Error(NO_DISK);
    const oracle = new Oracle();
    const { documentId } = await tenant.document();
    const server = await startServer({ env: { ...postgres.env, LOG_LEVEL: "fatal" } });
    const options = { url: server.url, documentId, token: tenant.token, oracle, random };
    const typists = await Promise.all([openTypist(options), openTypist(options)]);
    const stopTyping = typeSteadily(typists, { perSecond: 400, random });
    await until(() => oracle.acknowledged > 100);

    const free = await fill(disk);
    const ready = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${server.port}/readyz`)).status;
    await until(async () => (await ready()) === 503, {
      timeoutMs: 60_000,
      describe: "PostgreSQL finds no room",
    });
    const acknowledged = oracle.acknowledged;
    stopTyping();
    for (const typist of typists) if (typist.closeCode === null) typist.edit();
    expect(await ready()).toBe(503);

    await free();
    // Where there was no room for the log itself, PostgreSQL stopped: somebody starts it again.
    if (!(await answers())) await postgres.restart();
    await until(() => typists.every(({ unacknowledged }) => unacknowledged === 0), {
      timeoutMs: 60_000,
      describe: "acknowledgements resume",
    });
    await until(async () => (await ready()) === 200, { describe: "ready again" });
    expect(typists.map(({ closeCode }) => closeCode)).toEqual([null, null]);
    expect(oracle.acknowledged).toBeGreaterThan(acknowledged);
    await Promise.all(typists.map((typist) => typist.destroy()));
    await server.end("SIGKILL");
    expect(await faultsInDatabase(postgres.database.sql, oracle)).toEqual([]);
  },
);

const answers = (): Promise<boolean> =>
  postgres.database.sql`select 1`.then(
    () => true,
    () => false,
  );
