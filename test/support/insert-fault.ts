import type { Sql } from "../../persistence/database.ts";

/** PostgreSQL's names for why it refuses: the server could not, or it did not like the rows. */
export const DISK_FULL = "53100";
export const CHECK_VIOLATION = "23514";

/** Lets PostgreSQL refuse what the log inserts: the statement fails, the connection stays. */
export type InsertFault = {
  /** The next so many attempts to log updates are refused; `Infinity` refuses all until the next call. */
  refuse(attempts: number, code: string): Promise<void>;
  /** So many of a hundred attempts are refused, scattered, until the next call of `refuse`. */
  refuseShare(percent: number, code: string): Promise<void>;
  /** Attempts since the last call of `refuse`. */
  attempts(): Promise<number>;
};

/** 2^31: more attempts than any test makes. */
const ALL = 2_147_483_648;

/** Puts the fault into a database, once for each. Counted by a sequence, which a rollback does not set back. */
export async function installInsertFault(sql: Sql): Promise<InsertFault> {
  await sql.unsafe(`
    create sequence insert_attempts;
    create table insert_refusals (until bigint not null, percent int not null, code text not null);
    insert into insert_refusals values (0, 0, '${DISK_FULL}');
    create function refuse_insert() returns trigger language plpgsql as $$
      declare
        attempt bigint := nextval('insert_attempts');
        refusal insert_refusals;
      begin
        select * into refusal from insert_refusals;
        if attempt <= refusal.until or abs(hashint8(attempt) % 100) < refusal.percent then
          raise exception 'refused by the test' using errcode = refusal.code;
        end if;
        return null;
      end $$;
    create trigger refuse_insert before insert on yjs_updates
      for each statement execute function refuse_insert();`);
  return {
    async refuse(attempts, code) {
      await sql`
        update insert_refusals set until = ${Math.min(attempts, ALL)}, percent = 0, code = ${code}`;
      await sql`select setval('insert_attempts', 1, false)`;
    },
    async refuseShare(percent, code) {
      await sql`update insert_refusals set until = 0, percent = ${percent}, code = ${code}`;
      await sql`select setval('insert_attempts', 1, false)`;
    },
    async attempts() {
      const [row] = await sql<{ count: number }[]>`
        select (case when is_called then last_value else 0 end)::int as count from insert_attempts`;
      return row?.count ?? 0;
    },
  };
}
