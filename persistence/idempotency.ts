import { createHash } from "node:crypto";
import { ScriptoriumError } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";

/** Longer than any sensible key. */
const MAX_KEY_LENGTH = 200;

/** One request that must not be done twice: who sent it, under which key, and what it was. */
export type OnceRequest = {
  readonly principal: Principal;
  readonly key: string;
  readonly request: readonly string[];
};

/**
 * Does `work` once for a key and remembers the answer, in the transaction that `work` writes in: both are committed
 * or neither is. The same request again gets the first answer; one that runs at the same time waits for it.
 * A secret in the answer (`token`) is not kept: shown once means once.
 *
 * @throws ScriptoriumError `bad_request` for a key of a wrong form; `conflict` when it was used for another request.
 */
export async function onceForKey<Reply extends object>(
  tx: SqlOrTransaction,
  { principal, key, request }: OnceRequest,
  work: () => Promise<Reply>,
): Promise<Reply> {
  if (!/^[\u0021-\u007e]+$/u.test(key) || key.length > MAX_KEY_LENGTH) {
    throw new ScriptoriumError(
      "bad_request",
      `Idempotency-Key is 1 to ${MAX_KEY_LENGTH} visible ASCII characters`,
    );
  }
  const holder = principal.kind === "key" ? principal.keyId : principal.userId;
  const hash = createHash("sha256").update(JSON.stringify(request)).digest();
  const claimed = await tx`
    insert into idempotency_keys (holder_id, key, request_hash) values (${holder}, ${key}, ${hash})
    on conflict do nothing`;
  if (claimed.count === 0) return firstAnswer<Reply>(tx, holder, key, hash);
  const reply = await work();
  await tx`
    update idempotency_keys set answer = ${toJsonb(withoutSecret(reply))}::text::jsonb
    where holder_id = ${holder} and key = ${key}`;
  return reply;
}

async function firstAnswer<Reply>(
  tx: SqlOrTransaction,
  holder: string,
  key: string,
  hash: Buffer,
): Promise<Reply> {
  const [row] = await tx<{ request_hash: Buffer; answer: Reply }[]>`
    select request_hash, answer from idempotency_keys where holder_id = ${holder} and key = ${key}`;
  if (row === undefined || !row.request_hash.equals(hash)) {
    throw new ScriptoriumError("conflict", "This Idempotency-Key was used for another request");
  }
  return row.answer;
}

const withoutSecret = (reply: object): object =>
  JSON.parse(
    JSON.stringify(reply, (name, value: unknown) => (name === "token" ? null : value)),
  ) as object;

/** Forgets keys older than a day: nobody retries for that long. Says how many. */
export async function forgetIdempotencyKeys(sql: SqlOrTransaction): Promise<number> {
  const forgotten = await sql`
    delete from idempotency_keys where created_at < now() - interval '1 day'`;
  return forgotten.count;
}
