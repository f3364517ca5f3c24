import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MIGRATION_LOCK_KEY, migrate, pendingMigrations } from "../persistence/migrate.ts";
import * as schema from "../schema/tables/index.ts";
import { createTestDatabase } from "./support/database.ts";
import { addOneOfEach } from "./support/one-of-each.ts";

const ROOT = join(import.meta.dirname, "..");
const MIGRATIONS = join(ROOT, "schema/migrations");
const CHECK_VIOLATION = "23514";
const RESTRICT_VIOLATION = "23001";
const FOREIGN_KEY_VIOLATION = "23503";

type Journal = { entries: { tag: string; when: number }[] };
const journal = JSON.parse(
  await readFile(join(MIGRATIONS, "meta/_journal.json"), "utf8"),
) as Journal;
const all = journal.entries.length;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await createTestDatabase();
  ({ sql } = database);
});
afterAll(() => database.close());

/** Takes everything out of the test database, whatever it was made from. */
async function empty(): Promise<void> {
  await sql.unsafe(`set client_min_messages = warning; drop schema if exists drizzle cascade;
    drop schema public cascade; create schema public; reset client_min_messages`);
}

/** Brings the test database to where a release with so many migrations left it. */
async function migrateAsBefore(count: number): Promise<void> {
  const applied = journal.entries.slice(0, count);
  for (const { tag } of applied) {
    await sql.unsafe(await readFile(join(MIGRATIONS, `${tag}.sql`), "utf8"));
  }
  await sql`create schema drizzle`;
  await sql`create table drizzle.__drizzle_migrations
    (id serial primary key, hash text not null, created_at bigint)`;
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at)
    values ('older', ${applied.at(-1)?.when ?? 0})`;
}

describe("migrating", () => {
  beforeEach(empty);

  test("brings an empty database up to date, and a second time changes nothing", async () => {
    expect(await pendingMigrations(sql)).toBe(all);
    expect(await migrate(sql)).toEqual({ applied: all });
    expect(await pendingMigrations(sql)).toBe(0);
    expect(await migrate(sql)).toEqual({ applied: 0 });
  });

  test("goes on from where an older release stopped", async () => {
    await migrateAsBefore(1);
    expect(await migrate(sql)).toEqual({ applied: all - 1 });
  });

  test("divides words at <, > and / also in the rows that are there", async () => {
    await migrateAsBefore(journal.entries.findIndex(({ tag }) => tag === "0014_search_tags"));
    await addOneOfEach(sql);
    await sql`update documents set title = 'Of Map<Narwhal>'`;
    await sql`insert into document_words (document_id, piece, words)
      select id, 0, 'Dear <zanzibar name>, a wombat/kiwi' from documents`;
    await migrate(sql);
    const [found] = await sql`
      select array_to_string(tsvector_to_array(search), ' ') as words, (
        select count(*)::int from documents
        where to_tsvector('english', translate(title, '<>/', '   ')) @@ 'narwhal') as titles
      from document_words`;
    expect(found).toEqual({ words: "dear kiwi name wombat zanzibar", titles: 1 });
    const indexes = await sql<{ name: string }[]>`
      select indexname as name from pg_indexes where indexdef like '%USING gin%' order by 1`;
    expect(indexes.map(({ name }) => name)).toEqual([
      "idx_document_words_search",
      "idx_documents_title_search",
    ]);
  });

  test("is done once by three nodes that start together", async () => {
    const results = await Promise.all([migrate(sql), migrate(sql), migrate(sql)]);
    expect(results.map(({ applied }) => applied).toSorted((a, b) => a - b)).toEqual([0, 0, all]);
    const rows = await sql`select hash from drizzle.__drizzle_migrations`;
    expect(rows).toHaveLength(all);
  });

  test("gives up with a code while another process holds the lock, and leaves no session behind", async () => {
    const other = await sql.reserve();
    try {
      await other`select pg_advisory_lock(${MIGRATION_LOCK_KEY}::bigint)`;
      await expect(migrate(sql, { lockWaitMs: 150 })).rejects.toMatchObject({
        code: "storage_unavailable",
      });
      expect(await pendingMigrations(sql)).toBe(all);
      await other`select pg_advisory_unlock(${MIGRATION_LOCK_KEY}::bigint)`;
    } finally {
      other.release();
    }
    expect(await migrate(sql)).toEqual({ applied: all });
    const locks = await sql`select 1 from pg_locks where locktype = 'advisory'
      and database = (select oid from pg_database where datname = current_database())`;
    expect(locks).toHaveLength(0);
  });

  test("leaves the caller's client as it was", async () => {
    const before = { ...sql.options.parsers };
    await migrate(sql);
    expect(sql.options.parsers).toEqual(before);
  });
});

describe("the files", () => {
  test("are what the tables say: drizzle-kit finds nothing to generate", async () => {
    const copy = await mkdtemp(join(tmpdir(), "scriptorium-migrations-"));
    try {
      await cp(MIGRATIONS, copy, { recursive: true });
      // Node itself, not the shim in .bin: that one is another file on Windows.
      const drizzleKit = join(ROOT, "node_modules/drizzle-kit/bin.cjs");
      const { stdout } = await promisify(execFile)(
        process.execPath,
        // drizzle-kit puts "./" before the folder, so it has to be relative.
        [
          drizzleKit,
          "generate",
          "--dialect=postgresql",
          "--schema=./schema/tables/*.ts",
          `--out=${relative(ROOT, copy)}`,
        ],
        { cwd: ROOT },
      );
      expect(stdout).toContain("No schema changes");
      expect(await readdir(copy)).toEqual(await readdir(MIGRATIONS));
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  test("are in order of time: a migration dated before an applied one would never run", () => {
    const times = journal.entries.map(({ when }) => when);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  });
});

describe("the schema", () => {
  beforeAll(async () => {
    await empty();
    await migrate(sql);
    await addOneOfEach(sql);
  });

  test("has an index for every foreign key", async () => {
    const keys = await sql<{ name: string; indexed: boolean }[]>`
      select c.conrelid::regclass || '.' || c.conname as name, exists (
        select 1 from pg_index i
        where i.indrelid = c.conrelid and i.indpred is null and i.indisvalid
          -- The key's columns lead the index, in whatever order.
          and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey) as indexed
      from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace`;
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter(({ indexed }) => !indexed)).toEqual([]);
  });

  test("has the trigger on every table with updated_at, but for yjs_documents", async () => {
    const tables = await sql<{ name: string }[]>`
      select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attname = 'updated_at' and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and not exists (select 1 from pg_trigger t join pg_proc p on p.oid = t.tgfoid
                        where t.tgrelid = c.oid and p.proname = 'set_updated_at')`;
    expect(tables.map(({ name }) => name)).toEqual(["yjs_documents"]);
    await sql`insert into users (email, name, updated_at) values ('t@example.org', 't', 'yesterday')`;
    const [row] = await sql`update users set name = 'u' where email = 't@example.org'
      returning updated_at > now() - interval '1 minute' as fresh`;
    expect(row).toEqual({ fresh: true });
  });

  test("refuses a value outside a closed set, in every column that has one", async () => {
    const columns = Object.values(schema).flatMap((table) =>
      is(table, PgTable)
        ? Object.values(getTableColumns(table))
            .filter(({ enumValues }) => enumValues !== undefined && enumValues.length > 0)
            .map(({ name }) => [getTableName(table), name] as const)
        : [],
    );
    expect(columns.length).toBeGreaterThanOrEqual(14);
    for (const [table, column] of columns) {
      const code = await sql`update ${sql(table)} set ${sql(column)} = 'nonsense'`.then(
        () => "none",
        (error: unknown) => (error as postgres.PostgresError).code,
      );
      // The part of a log row is held to its set by the key to yjs_documents.
      if (table === "activities") {
        // Not to be changed at all; what may be inserted is asked in audit.test.ts.
        expect(`${column} ${code}`).toBe(`${column} ${RESTRICT_VIOLATION}`);
        continue;
      }
      const expected = /^yjs_(?:updates|history|clients|set_aside)\.part$/u.test(
        `${table}.${column}`,
      )
        ? FOREIGN_KEY_VIOLATION
        : CHECK_VIOLATION;
      expect(`${table}.${column} ${code}`).toBe(`${table}.${column} ${expected}`);
    }
  });

  test("refuses positions that cannot be", async () => {
    for (const wrong of ["state_seq = head_seq + 1", "projected_seq = head_seq + 1"]) {
      await expect(sql.unsafe(`update yjs_documents set ${wrong}`)).rejects.toMatchObject({
        code: CHECK_VIOLATION,
      });
    }
    await expect(sql`update yjs_updates set seq = 0`).rejects.toMatchObject({
      code: CHECK_VIOLATION,
    });
  });

  test("advances a head without touching an index, and stores snapshots outside the row", async () => {
    const hot = await sql.begin(async (tx) => {
      await tx`update yjs_documents set head_seq = head_seq + 1, updated_at = now()`;
      const [row] = await tx<{ hot: number }[]>`
        select pg_stat_get_xact_tuples_hot_updated('yjs_documents'::regclass)::int as hot`;
      return row?.hot;
    });
    expect(hot).toBe(1);
    const [storage] = await sql`select
      (select attstorage from pg_attribute where attrelid = 'yjs_documents'::regclass and attname = 'state') as state,
      (select reloptions @> '{fillfactor=50,toast_tuple_target=128}' from pg_class
       where oid = 'yjs_documents'::regclass) as tuned`;
    expect(storage).toEqual({ state: "e", tuned: true });
  });

  // Last: it takes the rows away.
  test("keeps who wrote an update when the account goes, and nothing when the organization goes", async () => {
    await sql`delete from agents`;
    await sql`delete from users`;
    const [document] = await sql`select created_by from documents`;
    expect(document).toEqual({ created_by: null });
    const [update] = await sql`select user_id is not null as known from yjs_updates`;
    expect(update).toEqual({ known: true });
    await sql`delete from organizations`;
    for (const table of [
      "documents",
      "document_versions",
      "yjs_documents",
      "yjs_updates",
      "yjs_history",
      "yjs_clients",
      "yjs_set_aside",
      "agent_suggestions",
      "suggestion_hunks",
    ]) {
      const rows = await sql`select 1 from ${sql(table)}`;
      expect(`${table}: ${rows.length}`).toBe(`${table}: 0`);
    }
  });
});
