import type { SqlOrTransaction } from "../../persistence/database.ts";
import { findUser } from "../../persistence/lookup.ts";
import { ScriptoriumError } from "../../schema/errors.ts";

/** The id of the user whom an e-mail address names, of whatever tenant. @throws ScriptoriumError `not_found`. */
export async function findInvited(sql: SqlOrTransaction, email: string): Promise<string> {
  const user = await findUser(sql, email);
  if (user !== null) return user.userId;
  throw new ScriptoriumError(
    "not_found",
    "Nobody with this e-mail address is known here; he has to be made a user first",
  );
}
