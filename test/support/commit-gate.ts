import type { Sql } from "../../persistence/database.ts";

/** An advisory lock of this test's own: the letters "gate". */
const GATE_KEY = 0x67_61_74_65;

/** Something of PostgreSQL that a commit has to wait for. */
export type Gate = {
  /** How many sessions wait for a lock here. */
  waiting(): Promise<number>;
  open(): Promise<void>;
};

/**
 * Lets every COMMIT that logged an update wait until it may take an advisory lock: a constraint trigger that is
 * deferred runs when everything is done except the COMMIT itself. Once for each database.
 */
export async function installCommitGate(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create function wait_at_gate() returns trigger language plpgsql as $$
      begin
        perform pg_advisory_xact_lock_shared(${GATE_KEY});
        return null;
      end $$;
    create constraint trigger wait_at_gate after insert on yjs_updates
      deferrable initially deferred for each row execute function wait_at_gate();`);
}

/** Holds up every commit of the log, right before COMMIT. Needs `installCommitGate`. */
export const closeCommitGate = (sql: Sql): Promise<Gate> =>
  hold(sql, (holder) => holder`select pg_advisory_xact_lock(${GATE_KEY})`);

/** Holds up the appends to one document in the midst of their statement: they need the lock of its head row. */
export const lockHeadRow = (sql: Sql, documentId: string): Promise<Gate> =>
  hold(
    sql,
    (holder) => holder`
      select 1 from yjs_documents where document_id = ${documentId} and part = 'content' for update`,
  );

/** Takes a lock in a transaction that lasts until the gate opens. */
async function hold(sql: Sql, lock: (holder: Sql) => PromiseLike<unknown>): Promise<Gate> {
  const holder = await sql.reserve();
  await holder`begin`;
  await lock(holder);
  return {
    async waiting() {
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row?.count ?? 0;
    },
    async open() {
      await holder`rollback`;
      holder.release();
    },
  };
}
