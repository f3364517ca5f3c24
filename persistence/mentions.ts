import type { MentionSource } from "../schema/closed-sets.ts";
import { ScriptoriumError } from "../schema/errors.ts";
import { isTypedMention, type Mention, type TypedMention } from "../schema/mentions.ts";
import type { Author } from "./append-updates.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb } from "./jsonb.ts";
import { notify, type Notice, type RungInbox } from "./notify.ts";

/** The mentions whose targets are something of the organization; what is another tenant's does not exist [A1]. */
async function knownMentions(
  sql: SqlOrTransaction,
  projectId: string,
  mentions: readonly Mention[],
): Promise<TypedMention[]> {
  const typed = mentions.filter(isTypedMention);
  if (typed.length === 0) return [];
  const targets = new Map(typed.map((mention) => [keyOf(mention), mention] as const));
  const found = await sql<Pick<TypedMention, "targetType" | "targetId">[]>`
    with project as (select organization_id from projects where id = ${projectId})
    select t."targetType", t."targetId"
    from jsonb_to_recordset(${toJsonb([...targets.values()])}::text::jsonb) as t("targetType" text, "targetId" uuid),
         project o
    where case t."targetType"
      when 'user' then exists (
          select 1 from organization_members m
          where m.user_id = t."targetId" and m.organization_id = o.organization_id)
        or exists (
          select 1 from collaborators c join projects p on p.id = c.project_id
          where c.user_id = t."targetId" and p.organization_id = o.organization_id and c.removed_at is null)
      when 'agent' then exists (
        select 1 from agents a
        where a.id = t."targetId" and a.organization_id = o.organization_id and a.deleted_at is null)
      when 'document' then exists (
        select 1 from documents d join projects p on p.id = d.project_id
        where d.id = t."targetId" and p.organization_id = o.organization_id and d.deleted_at is null)
      when 'feature' then exists (
        select 1 from features f join projects p on p.id = f.project_id
        where f.id = t."targetId" and p.organization_id = o.organization_id and f.deleted_at is null)
      else false end`;
  const known = new Set(found.map(keyOf));
  return typed.filter((mention) => known.has(keyOf(mention)));
}

const keyOf = ({ targetType, targetId }: Pick<Mention, "targetType" | "targetId">): string =>
  `${targetType}:${targetId}`;

/**
 * Makes sure that everything mentioned is something of the project's organization.
 * @throws ScriptoriumError `unknown_target`: for a kind that has no table, and for what is another tenant's just as for
 * what does not exist [A1].
 */
export async function checkTargets(
  sql: SqlOrTransaction,
  projectId: string,
  mentions: readonly Mention[],
): Promise<void> {
  const known = new Set((await knownMentions(sql, projectId, mentions)).map(keyOf));
  const unknown = mentions.find((mention) => !known.has(keyOf(mention)));
  if (unknown === undefined) return;
  const { targetType, targetId } = unknown;
  throw new ScriptoriumError("unknown_target", `There is no ${targetType} ${targetId}`);
}

/** What a text mentions now, and what is told of it. */
export type MentionsOf = {
  readonly sourceType: MentionSource;
  /** The document or the comment. */
  readonly sourceId: string;
  readonly projectId: string;
  readonly documentId: string;
  /** Of a comment. */
  readonly threadId?: string;
  /** What the notifications quote; null: nothing. */
  readonly body?: string | null;
  /** Empty where the text is gone. Whatever is nothing of the organization is left out. */
  readonly mentions: readonly Mention[];
  /** Who wrote it: he is not told. Null: nobody knows. */
  readonly authorOf: (mention: TypedMention) => Author | null;
  /** What else the transaction tells: see `notify`, which is to be called once. */
  readonly alsoTell?: readonly Notice[];
};

/**
 * Makes the rows of a text what it mentions now, tells whoever is new among them, and answers whose inboxes have
 * something new. Each mention of somebody notifies once, ever: one that was taken out and comes back is not new.
 */
export async function replaceMentions(
  tx: SqlOrTransaction,
  text: MentionsOf,
): Promise<RungInbox[]> {
  const { sourceType, sourceId, projectId } = text;
  const known = await knownMentions(tx, projectId, text.mentions);
  const inserted = await tx<TypedMention[]>`
    with wanted as (
      select * from jsonb_to_recordset(${toJsonb(known)}::text::jsonb)
        as w("targetType" text, "targetId" uuid, occurrence int)
    ), gone as (
      delete from mentions m
      where m.source_type = ${sourceType} and m.source_id = ${sourceId} and not exists (
        select 1 from wanted w
        where w."targetType" = m.target_type and w."targetId" = m.target_id and w.occurrence = m.occurrence)
    )
    insert into mentions (project_id, source_type, source_id, target_type, target_id, occurrence)
    select ${projectId}, ${sourceType}, ${sourceId}, "targetType", "targetId", occurrence from wanted
    on conflict (source_type, source_id, target_type, target_id, occurrence) do nothing
    returning target_type as "targetType", target_id as "targetId", occurrence`;
  const told = inserted.filter(isTold);
  const title = told.length === 0 ? "" : await titleOf(tx, text.documentId);
  const notices = told.flatMap((mention) => noticeOf(text, mention, title) ?? []);
  return notify(tx, [...notices, ...(text.alsoTell ?? [])]);
}

const isTold = ({ targetType }: TypedMention): boolean =>
  targetType === "user" || targetType === "agent";

async function titleOf(sql: SqlOrTransaction, documentId: string): Promise<string> {
  const [row] = await sql<
    { title: string }[]
  >`select title from documents where id = ${documentId}`;
  return row?.title ?? "";
}

/** Null where the author mentions himself. An agent that mentions the person it acts for does tell him. */
function noticeOf(text: MentionsOf, mention: TypedMention, title: string): Notice | null {
  const { sourceType, sourceId, projectId, documentId, threadId, body = null } = text;
  const { targetType, targetId, occurrence } = mention;
  const { userId = null, agentId = null } = text.authorOf(mention) ?? {};
  if (targetId === (agentId ?? userId)) return null;
  return {
    recipient: targetType === "user" ? { userId: targetId } : { agentId: targetId },
    projectId,
    type: "mention",
    title: `You were mentioned in “${title}”`,
    body,
    entityType: sourceType,
    entityId: sourceId,
    metadata: {
      documentId,
      ...(threadId !== undefined && { threadId }),
      ...(sourceType === "comment" && { commentId: sourceId }),
      ...(userId !== null && { byUserId: userId }),
      ...(agentId !== null && { byAgentId: agentId }),
    },
    onceKey: `mention:${sourceType}:${sourceId}:${targetType}:${targetId}:${occurrence}`,
  };
}
