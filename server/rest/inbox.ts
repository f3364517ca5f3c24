import { inboxReaderOf } from "../../extensions/inbox-reader.ts";
import type { InboxEvent } from "../../extensions/inbox-stream.ts";
import type { InboxStreams } from "../../extensions/inbox-streams.ts";
import type { Bell } from "../../extensions/bell.ts";
import {
  inboxPage,
  markAllRead,
  markRead,
  readSettings,
  unreadIn,
  writeSettings,
  type InboxSettings,
  type NotificationRow,
} from "../../persistence/inbox.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { inboxKey } from "../../schema/inbox-key.ts";
import { eventText, HEARTBEAT } from "./event-stream.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers } from "./serve.ts";

const ORDER = "-position";

const shown = ({ metadata, byName, ...row }: NotificationRow) => ({
  id: row.id,
  position: row.position,
  kind: row.kind,
  priority: row.priority,
  title: row.title,
  body: row.body,
  projectId: row.projectId,
  documentId: metadata["documentId"] ?? null,
  threadId: metadata["threadId"] ?? null,
  commentId: metadata["commentId"] ?? null,
  entityType: row.entityType,
  entityId: row.entityId,
  by: {
    userId: metadata["byUserId"] ?? null,
    agentId: metadata["byAgentId"] ?? null,
    name: byName,
  },
  createdAt: row.createdAt,
  readAt: row.readAt,
  expiresAt: row.expiresAt,
});

/** Every kind, also those that nothing was said of. */
const wholeSettings = (settings: InboxSettings) => ({
  mention: settings.mention !== false,
  comment_reply: settings.comment_reply !== false,
  thread_resolved: settings.thread_resolved !== false,
  suggestion: settings.suggestion !== false,
});

function textOf(event: InboxEvent): string {
  if (event.type === "heartbeat") return HEARTBEAT;
  const { type, position } = event;
  const body = type === "unread" ? { unread: event.unread, position } : shown(event.row);
  return eventText({ event: type, id: String(position), json: JSON.stringify(body) });
}

/** @throws ScriptoriumError `bad_request` for what no stream has given out. */
function readLastEventId(text: string | null): number | null {
  if (text === null || text === "") return null;
  if (/^\d{1,15}$/u.test(text)) return Number(text);
  throw new ScriptoriumError("bad_request", "Last-Event-ID is not the id of an event");
}

type Options = {
  readonly bell: Pick<Bell, "ring">;
  readonly streams: Pick<InboxStreams, "open">;
};

/** The routes of `schema/api/inbox.ts`. */
export const inboxHandlers = (options: Options) =>
  ({
    ...marking(options),
    ...settingsHandlers,

    async listNotifications({ sql, principal, query: { unread, kind = null, ...asked } }) {
      const page = pageOf(ORDER, asked);
      const filter = { onlyUnread: unread === "true", kind };
      const found = await inboxPage(sql, inboxReaderOf(principal), { ...filter, ...page });
      const { rows, nextCursor } = cut(ORDER, page, found);
      return { body: { notifications: rows.map(shown), nextCursor } };
    },

    async countUnread({ sql, principal }) {
      return { body: await unreadIn(sql, inboxReaderOf(principal)) };
    },

    streamInbox({ principal, lastEventId, hangUp }) {
      const after = readLastEventId(lastEventId);
      const stream = options.streams.open(principal, after, hangUp);
      const next = async (): Promise<string | null> =>
        (await stream.next())?.map(textOf).join("") ?? null;
      return Promise.resolve({ events: { next, end: () => stream.end() } });
    },
  }) satisfies Handlers;

const marking = ({ bell }: Options) =>
  ({
    async readNotification({ sql, principal, params, afterCommit }) {
      const reader = inboxReaderOf(principal);
      const row = await markRead(sql, reader, params.notificationId);
      afterCommit(() => bell.ring([inboxKey(reader.owner)]));
      return { body: shown(row) };
    },

    async readAllNotifications({ sql, principal, body, afterCommit }) {
      const reader = inboxReaderOf(principal);
      await markAllRead(sql, reader, body.position);
      afterCommit(() => bell.ring([inboxKey(reader.owner)]));
      return { body: await unreadIn(sql, reader) };
    },
  }) satisfies Handlers;

const settingsHandlers = {
  async getInboxSettings({ sql, principal }) {
    return { body: wholeSettings(await readSettings(sql, inboxReaderOf(principal).owner)) };
  },

  async putInboxSettings({ sql, principal, body }) {
    await writeSettings(sql, inboxReaderOf(principal).owner, body);
    return { body };
  },
} satisfies Handlers;
