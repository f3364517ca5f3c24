import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../../persistence/embedded-postgres.ts";
import { migrate } from "../../persistence/migrate.ts";
import { TEMPLATE_DATABASE, type TestServer } from "./database.ts";
import { buildPageIfStale } from "./page-build.ts";

declare module "vitest" {
  export interface ProvidedContext {
    server: TestServer;
  }
}

/** The page, built; and one PostgreSQL for the whole run: yours (`TEST_DATABASE_URL`) or one in a folder of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildPageIfStale();
  const url = process.env["TEST_DATABASE_URL"];
  const dataDir = await mkdtemp(join(tmpdir(), "scriptorium-test-"));
  // As root PostgreSQL runs as another user, and mkdtemp's 0700 would make it put the cluster elsewhere, for good.
  await chmod(dataDir, 0o755);
  const embedded = url === undefined ? await startEmbeddedPostgres({ dataDir }) : null;
  const location = embedded?.connection ?? url ?? "";
  const admin = connect(location);
  await admin.unsafe(`drop database if exists ${TEMPLATE_DATABASE}`);
  await admin.unsafe(`create database ${TEMPLATE_DATABASE}`);
  await admin.end({ timeout: 5 });
  const template = connect(location, TEMPLATE_DATABASE);
  await migrate(template);
  await template.end({ timeout: 5 });
  project.provide("server", { location });
  return async () => {
    await embedded?.close();
    await rm(dataDir, { recursive: true, force: true });
  };
}

const connect = (location: TestServer["location"], database?: string): postgres.Sql => {
  const options = { max: 1, onnotice: () => {}, ...(database === undefined ? {} : { database }) };
  return typeof location === "string"
    ? postgres(location, options)
    : postgres({ ...location, ...options });
};
