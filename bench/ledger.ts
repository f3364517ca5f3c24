import type { Sql } from "postgres";

/** Bytes that compactions took out of and put into the tables, of what `octet_length` counts. */
export type Ledger = {
  /** Snapshots that were replaced, and rows that were removed from the log. */
  beforeBytes: number;
  /** The snapshots that took their place. */
  afterBytes: number;
  historyBytes: number;
};

/**
 * Makes PostgreSQL itself write down what each transaction replaces: documents grow while they are compacted, so no
 * sums taken before and after could tell the script's work from the typing or from the server's own compactions.
 * Appending is not watched and costs what it costs without this.
 */
export async function openLedger(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create table if not exists bench_ledger (application text not null, kind text not null, bytes bigint not null);
    create or replace function bench_ledger_write() returns trigger language plpgsql as $$
    declare
      application text := current_setting('application_name');
    begin
      if tg_table_name = 'yjs_updates' then
        insert into bench_ledger select application, 'before', coalesce(sum(octet_length(update_data)), 0) from removed;
      elsif tg_table_name = 'yjs_history' then
        insert into bench_ledger values (application, 'history', octet_length(new.updates));
      else
        insert into bench_ledger values (application, 'before', octet_length(old.state)),
                                        (application, 'after', octet_length(new.state));
      end if;
      return null;
    end $$;
    create or replace trigger bench_ledger after delete on yjs_updates referencing old table as removed
      for each statement execute function bench_ledger_write();
    create or replace trigger bench_ledger after insert on yjs_history
      for each row execute function bench_ledger_write();
    create or replace trigger bench_ledger after update of state on yjs_documents
      for each row execute function bench_ledger_write();`);
}

/** What the connections of this name did since the last call. */
export async function takeLedger(sql: Sql, application: string): Promise<Ledger> {
  const rows = await sql<{ kind: string; bytes: string }[]>`
    with taken as (delete from bench_ledger where application = ${application} returning kind, bytes)
    select kind, sum(bytes) as bytes from taken group by kind`;
  const sum = (kind: string): number => Number(rows.find((row) => row.kind === kind)?.bytes ?? 0);
  return { beforeBytes: sum("before"), afterBytes: sum("after"), historyBytes: sum("history") };
}
