import {
  readFeed,
  settledPosition,
  type FeedFilter,
  type FeedRow,
} from "../../persistence/activity-feed.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import { readDocument } from "../../persistence/read-document.ts";
import type { ActivityAction } from "../../schema/closed-sets.ts";
import { decodeCursor, encodeCursor } from "../../schema/api/cursor.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Handlers } from "./serve.ts";

const shown = ({ actorType, actorId, actorName, forUserId, ...row }: FeedRow) => ({
  position: row.position,
  at: row.at,
  action: row.action,
  entityType: row.entityType,
  entityId: row.entityId,
  title: row.title,
  actor: { type: actorType, id: actorId, name: actorName, forUserId },
  changes: row.changes,
  details: row.details,
});

type Query = {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly after?: number | undefined;
  readonly actor?: string | undefined;
  readonly action?: ActivityAction | undefined;
};

type Scope = Pick<FeedFilter, "projectId" | "documentId" | "isManaged">;

async function feed(sql: SqlOrTransaction, scope: Scope, query: Query) {
  const { limit, cursor, after, actor: actorId = null, action = null } = query;
  const filter = { ...scope, actorId, action };
  if (after !== undefined) {
    if (cursor === undefined) return following(sql, filter, { after, limit });
    throw new ScriptoriumError("bad_request", "Give `after` or `cursor`, not both");
  }
  const id = scope.documentId ?? scope.projectId;
  const before = cursor === undefined ? null : positionIn(cursor, id);
  // First, so that what comes meanwhile is in both the list and what follows it, and never in neither.
  const position = await settledPosition(sql);
  const found = await readFeed(sql, filter, { limit: limit + 1, before });
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const nextCursor =
    found.length <= limit || last === undefined
      ? null
      : encodeCursor(ORDER, { value: String(last.position), id });
  return { body: { activities: rows.map(shown), nextCursor, position } };
}

const ORDER = "-position";

function positionIn(cursor: string, feedId: string): number {
  const { value, id } = decodeCursor(ORDER, cursor);
  if (id === feedId && /^\d{1,15}$/u.test(value)) return Number(value);
  throw new ScriptoriumError("bad_request", "The cursor is not one of this list in this order");
}

async function following(
  sql: SqlOrTransaction,
  filter: FeedFilter,
  { after, limit }: { after: number; limit: number },
) {
  const until = await settledPosition(sql);
  const rows = await readFeed(sql, filter, { after, until, limit });
  const last = rows.at(-1);
  const position =
    rows.length === limit && last !== undefined ? last.position : Math.max(after, until);
  return { body: { activities: rows.map(shown), nextCursor: null, position } };
}

/** The routes of `schema/api/activity.ts`. */
export const activityHandlers = {
  async listProjectActivities({ sql, params: { projectId }, place, query }) {
    const isManaged = place.rights.includes("manage");
    return feed(sql, { projectId, documentId: null, isManaged }, query);
  },

  async listDocumentActivities({ sql, params: { documentId }, place, query }) {
    const evenDeleted = place.rights.includes("edit");
    const { projectId } = await readDocument(sql, documentId, { evenDeleted });
    return feed(sql, { projectId, documentId, isManaged: place.rights.includes("manage") }, query);
  },
} satisfies Handlers;
