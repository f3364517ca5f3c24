import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";
import {
  createDatabase,
  type Database,
  type DatabaseLocation,
} from "../../persistence/database.ts";
import type { EmbeddedConnection } from "../../persistence/embedded-postgres.ts";

/** The PostgreSQL of this test run. */
export type TestServer = { readonly location: string | EmbeddedConnection };

/** A migrated, empty database that each test file copies: a copy takes 30 ms, the migrations take longer. */
export const TEMPLATE_DATABASE = "scriptorium_template";

export type TestDatabase = {
  readonly database: Database;
  readonly sql: Database["sql"];
  readonly location: DatabaseLocation;
  /** Environment variables that lead a child process here. */
  readonly env: { DATABASE_URL: string };
  /** Drops it, and fails when somebody left a connection open [STYLE 19]. */
  close(): Promise<void>;
};

/** A database of its own for a test file. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { location: server } = inject("server");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const admin = open(server, "postgres");
  await admin.unsafe(`create database ${name} template ${TEMPLATE_DATABASE}`);
  await admin.end({ timeout: 5 });
  const location = inDatabase(server, name);
  const database = createDatabase({ location, applicationName: "scriptorium-test" });
  return {
    database,
    sql: database.sql,
    location,
    env: { DATABASE_URL: toUrl(location) },
    close: async () => {
      await database.close();
      const dropper = open(server, "postgres");
      await dropper.unsafe(`drop database ${name} with (force)`);
      await dropper.end({ timeout: 5 });
    },
  };
}

const inDatabase = (server: TestServer["location"], database: string): TestServer["location"] => {
  if (typeof server !== "string") return { ...server, database };
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
};

/** postgres.js takes the folder of a unix socket from the query of a url. */
const toUrl = (location: TestServer["location"]): string => {
  if (typeof location === "string") return location;
  const { host, port, username, database } = location;
  return `postgres://${username}@/${database}?host=${encodeURIComponent(host)}&port=${port}`;
};

const open = (server: TestServer["location"], database: string): postgres.Sql => {
  const location = inDatabase(server, database);
  const options = { max: 1, onnotice: () => {} };
  return typeof location === "string"
    ? postgres(location, options)
    : postgres({ ...location, ...options });
};
