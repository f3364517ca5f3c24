import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Sql } from "postgres";
import type { Processes } from "./processes.ts";
import type { Storage, StoredBytes } from "./subject.ts";

/** This server: documents are rows of a project, and whoever opens one is signed in. */
export const openOurStorage = (
  sql: Sql,
  processes: Processes,
  env: NodeJS.ProcessEnv,
): Storage => ({
  prepare: (documents) => prepare(sql, documents),
  compact: (name) => compact(processes, env, documentIdOf(name)),
  storedBytes: (name) => storedBytes(sql, documentIdOf(name)),
});

export const documentIdOf = (name: string): string => name.slice(name.indexOf(":") + 1);

/** An organization with one admin who is signed in for a day, and one project with `documents` empty documents. */
async function prepare(sql: Sql, documents: number): Promise<{ token: string; names: string[] }> {
  const token = randomBytes(32).toString("base64url");
  const tokenHash = createHash("sha256").update(token).digest();
  const unique = randomUUID();
  const ids = Array.from({ length: documents }, () => randomUUID());
  await sql.begin(async (tx) => {
    const [user] = await tx<{ id: string }[]>`
      insert into users (email, name) values (${`${unique}@bench.invalid`}, 'Bench') returning id`;
    const [organization] = await tx<{ id: string }[]>`
      insert into organizations (name, slug) values ('Bench', ${unique}) returning id`;
    if (user === undefined || organization === undefined) throw new Error("Nothing was inserted");
    await tx`
      insert into organization_members (organization_id, user_id, role)
      values (${organization.id}, ${user.id}, 'admin')`;
    await tx`
      insert into sessions (user_id, token_hash, expires_at)
      values (${user.id}, ${tokenHash}, now() + interval '1 day')`;
    const [project] = await tx<{ id: string }[]>`
      insert into projects (organization_id, name, slug)
      values (${organization.id}, 'Bench', 'bench') returning id`;
    if (project === undefined) throw new Error("Nothing was inserted");
    await tx`
      insert into documents (id, project_id, type, title, slug, created_by)
      select id, ${project.id}, 'feature_requirements', 'Bench', id::text, ${user.id}
        from unnest(${ids}::uuid[]) as id`;
    await tx`
      insert into yjs_documents (document_id, part)
      select id, part from unnest(${ids}::uuid[]) as id, unnest('{content,comments}'::text[]) as part`;
  });
  return { token, names: ids.map((id) => `document:${id}`) };
}

/** What an administrator would type, beside the running server. */
async function compact(
  processes: Processes,
  env: NodeJS.ProcessEnv,
  documentId: string,
): Promise<void> {
  const child = processes.start(new URL("../server/cli/main.ts", import.meta.url), {
    env,
    arguments: ["compact", "--document", documentId, "--yes", "--json"],
  });
  const impatience = setTimeout(() => void child.kill(), 60_000);
  await child.ended;
  clearTimeout(impatience);
  if (child.process.exitCode !== 0) throw new Error(`compact: ${child.output()}`);
}

async function storedBytes(sql: Sql, documentId: string): Promise<StoredBytes> {
  const [row] = await sql<StoredBytes[]>`
    with snapshot as (
      select octet_length(state) as bytes, pg_column_size(state) as on_disk
        from yjs_documents where document_id = ${documentId} and part = 'content'
    ), log as (
      select coalesce(sum(octet_length(update_data)), 0) as bytes,
             coalesce(sum(pg_column_size(update_data)), 0) as on_disk
        from yjs_updates where document_id = ${documentId} and part = 'content'
    ), history as (
      select coalesce(sum(octet_length(updates)), 0) as bytes
        from yjs_history where document_id = ${documentId} and part = 'content'
    )
    select (snapshot.bytes + log.bytes)::int as content,
           (snapshot.on_disk + log.on_disk)::int as "onDisk",
           history.bytes::int as history
      from snapshot, log, history`;
  if (row === undefined) throw new Error(`${documentId} was not stored`);
  return row;
}
