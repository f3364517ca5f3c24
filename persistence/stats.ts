import { ScriptoriumError } from "../schema/errors.ts";
import type { Part } from "../schema/ids.ts";
import type { SqlOrTransaction } from "./database.ts";

/** Who and what there is. */
export type Counts = {
  readonly organizations: number;
  readonly users: number;
  readonly projects: number;
  readonly liveKeys: number;
  readonly liveSessions: number;
  readonly documents: number;
  readonly deletedDocuments: number;
  /** All the database takes on disk, indexes included. */
  readonly databaseBytes: number;
};

/** What is stored for all documents together. Bytes as stored: compressed where the column is. */
export type StoredTotals = {
  /** Rows of the log that no snapshot holds yet. */
  readonly logRows: number;
  readonly logBytes: number;
  readonly snapshots: number;
  readonly snapshotBytes: number;
  /** Rows that compaction moved, the bytes they are packed into, and the bytes they were. */
  readonly historyRows: number;
  readonly historyBytes: number;
  readonly historyRawBytes: number;
  readonly versions: number;
  readonly versionBytes: number;
  /** Documents whose columns are behind their log, and by how many updates in all. */
  readonly projectionBacklog: number;
  readonly projectionBacklogUpdates: number;
};

/** A document that takes much room. */
export type WeightyDocument = {
  readonly documentId: string;
  readonly title: string;
  readonly headSeq: number;
  readonly snapshotBytes: number;
  readonly logBytes: number;
  readonly historyBytes: number;
};

/** A part that is marked as not loadable, and the row that was blamed. */
export type QuarantinedDocument = {
  readonly documentId: string;
  readonly part: Part;
  readonly title: string;
  readonly seq: number;
  readonly reason: string | null;
};

/** Everything `stats` shows. */
export type Stats = {
  readonly counts: Counts;
  readonly stored: StoredTotals;
  readonly biggest: readonly WeightyDocument[];
  readonly quarantined: readonly QuarantinedDocument[];
};

/** Counts everything once. Reads whole tables, but no document: lengths of compressed columns are in their headers. */
export async function readStats(sql: SqlOrTransaction, { top }: { top: number }): Promise<Stats> {
  const [counts] = await sql<Counts[]>`
    select (select count(*)::int from organizations where deleted_at is null) as organizations,
           (select count(*)::int from users) as users,
           (select count(*)::int from projects) as projects,
           (select count(*)::int from api_keys
            where revoked_at is null and (expires_at is null or expires_at > now())) as "liveKeys",
           (select count(*)::int from sessions where revoked_at is null and expires_at > now()) as "liveSessions",
           (select count(*)::int from documents where deleted_at is null) as documents,
           (select count(*)::int from documents where deleted_at is not null) as "deletedDocuments",
           pg_database_size(current_database())::float8 as "databaseBytes"`;
  const [stored] = await sql<StoredTotals[]>`
    select u.*, y.*, h.*, v.*
    from (select count(*)::int as "logRows", coalesce(sum(octet_length(update_data)), 0)::float8 as "logBytes"
          from yjs_updates) u,
         (select count(*) filter (where state_seq > 0)::int as snapshots,
                 coalesce(sum(octet_length(state)), 0)::float8 as "snapshotBytes",
                 count(*) filter (where part = 'content' and projected_seq < head_seq)::int as "projectionBacklog",
                 coalesce(sum(head_seq - projected_seq) filter (where part = 'content'), 0)::float8
                   as "projectionBacklogUpdates"
          from yjs_documents) y,
         (select coalesce(sum(update_count), 0)::float8 as "historyRows",
                 coalesce(sum(octet_length(updates)), 0)::float8 as "historyBytes",
                 coalesce(sum(raw_bytes), 0)::float8 as "historyRawBytes"
          from yjs_history) h,
         (select count(*)::int as versions, coalesce(sum(octet_length(state)), 0)::float8 as "versionBytes"
          from document_versions) v`;
  if (counts === undefined || stored === undefined) {
    throw new ScriptoriumError("internal", "An aggregate gave no row");
  }
  const biggest = await readBiggest(sql, top);
  return { counts, stored, biggest, quarantined: await readQuarantined(sql) };
}

async function readBiggest(sql: SqlOrTransaction, top: number): Promise<WeightyDocument[]> {
  return sql<WeightyDocument[]>`
    with logs as (
      select document_id, sum(octet_length(update_data))::float8 as bytes from yjs_updates group by 1
    ), histories as (
      select document_id, sum(octet_length(updates))::float8 as bytes from yjs_history group by 1
    ), snapshots as (
      select document_id, sum(octet_length(state))::float8 as bytes,
             (max(head_seq) filter (where part = 'content'))::float8 as head
      from yjs_documents group by 1
    )
    select d.id as "documentId", d.title, coalesce(s.head, 0) as "headSeq", s.bytes as "snapshotBytes",
           coalesce(l.bytes, 0) as "logBytes", coalesce(h.bytes, 0) as "historyBytes"
    from snapshots s join documents d on d.id = s.document_id
    left join logs l using (document_id) left join histories h using (document_id)
    order by s.bytes + coalesce(l.bytes, 0) + coalesce(h.bytes, 0) desc, d.id limit ${top}`;
}

async function readQuarantined(sql: SqlOrTransaction): Promise<QuarantinedDocument[]> {
  return sql<QuarantinedDocument[]>`
    select d.id as "documentId", y.part, d.title, y.quarantined_seq::float8 as seq,
           y.quarantine_reason as reason
    from yjs_documents y join documents d on d.id = y.document_id
    where y.quarantined_seq is not null order by d.created_at, d.id`;
}
