import {
  DEADLOCK_DETECTED,
  errorCode,
  type Sql,
  type SqlOrTransaction,
} from "../../persistence/database.ts";

/** How often a writer is tried whom PostgreSQL rolled back so that another could go on. */
const MAX_ATTEMPTS = 3;

/** Runs `work` in a transaction; again, when PostgreSQL ended it for a deadlock. */
export async function transact<T>(
  sql: Sql,
  work: (tx: SqlOrTransaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await sql.begin(work)) as T;
    } catch (error) {
      if (errorCode(error) !== DEADLOCK_DETECTED || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
