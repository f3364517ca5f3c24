import type { SqlOrTransaction } from "./database.ts";

/** The names of people and of the agents that act for them, in the order asked; null for an account that is gone. */
export async function namesOfParticipants(
  sql: SqlOrTransaction,
  participants: readonly { readonly userId: string; readonly agentId: string | null }[],
): Promise<(string | null)[]> {
  if (participants.length === 0) return [];
  const ids = participants.flatMap(({ userId, agentId }) => [userId, agentId ?? userId]);
  const rows = await sql<{ id: string; name: string | null }[]>`
    select id, name from users where id = any(${ids}::uuid[])
    union all
    select id, name from agents where id = any(${ids}::uuid[])`;
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return participants.map(({ userId, agentId }) => names.get(agentId ?? userId) ?? null);
}
