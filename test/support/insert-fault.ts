import type { Sql } from "../../persistence/database.ts";

/** PostgreSQL's names for why it refuses: the server could not, or it did not like the rows. */
export const DISK_FULL = "53100";
export const CHECK_VIOLATION = "23514";

/** Lets PostgreSQL refuse what the log inserts: the statement fails, the connection stays. */
export type InsertFault = {
  /** The next so many attempts to log updates are refused; `Infinity` refuses all until the next call. */
  refuse(attempts: number, code: string): Promise<void>;
  /** Attempts since the last call of `refuse`. */
  attempts(): Promise<number>;
};

/** 2^31: more attempts than any test makes. */
const ALL = 2_147_483_648;

/** Puts the fault into a database, once for each. Counted by a sequence, which a rollback does not set back. */
export async function installInsertFault(sql: Sql): Promise<InsertFault> {
  await sql.unsafe(`
    create sequence insert_attempts;
    create table insert_refusals (until bigint not null, code text not null);
    insert into insert_refusals values (0, '${DISK_FULL}');
    create function refuse_insert() returns trigger language plpgsql as $$
      begin
        if nextval('insert_attempts') <= (select until from insert_refusals) then
          raise exception 'refused by the test' using errcode = (select code from insert_refusals);
        end if;
        return null;
      end $$;
    create trigger refuse_insert before insert on yjs_updates
      for each statement execute function refuse_insert();`);
  return {
    async refuse(attempts, code) {
      await sql`update insert_refusals set until = ${Math.min(attempts, ALL)}, code = ${code}`;
      await sql`select setval('insert_attempts', 1, false)`;
    },
    async attempts() {
      const [row] = await sql<{ count: number }[]>`
        select (case when is_called then last_value else 0 end)::int as count from insert_attempts`;
      return row?.count ?? 0;
    },
  };
}
