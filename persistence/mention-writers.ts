import type * as Y from "yjs";
import { mentionClients, mentionKey } from "../schema/mention-clients.ts";
import type { Mention } from "../schema/mentions.ts";
import type { Author } from "./append-updates.ts";
import type { SqlOrTransaction } from "./database.ts";

/** Who put a mention where it is; null: nobody knows. */
export type Writers = (mention: Mention) => Author | null;

/**
 * Looks up who mentions: the author of the Yjs client that made the mention's element. `newFrom`: see
 * `mentionClients`. With no document, for one that mentions nobody, it asks nothing.
 */
export async function readWriters(
  sql: SqlOrTransaction,
  documentId: string,
  text: { readonly doc: Y.Doc; readonly newFrom: ReadonlyMap<number, number> } | null,
): Promise<Writers> {
  if (text === null) return () => null;
  const clients = mentionClients(text.doc, text.newFrom);
  const asked = [...new Set(clients.values())].join(",");
  const rows = await sql<{ client: string; userId: string | null; agentId: string | null }[]>`
    select client_id as client, user_id as "userId", agent_id as "agentId" from yjs_clients
    where document_id = ${documentId} and part = 'content' and client_id = any(${`{${asked}}`}::text::bigint[])`;
  const authors = new Map(
    rows.map(({ client, ...author }): [number, Author] => [Number(client), author]),
  );
  return (mention) => {
    const client = clients.get(mentionKey(mention));
    return client === undefined ? null : (authors.get(client) ?? null);
  };
}
