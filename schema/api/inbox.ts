import { z } from "zod";
import { NOTIFICATION_KINDS, NOTIFICATION_PRIORITIES } from "../closed-sets.ts";
import { Flag, Id, Moment, NextCursor, PageQuery } from "./common.ts";
import { route } from "./contract.ts";

const MINE = "Of the agent where an agent's key asks, else of the person.";

const Position = z
  .int()
  .min(0)
  .describe("1, 2, 3 in this inbox, in the order in which things were told");

const Kind = z.enum(NOTIFICATION_KINDS);

/** What somebody should know of. */
const Notification = z
  .object({
    id: Id,
    position: Position,
    kind: Kind,
    priority: z.enum(NOTIFICATION_PRIORITIES),
    title: z.string(),
    body: z.string().nullable().describe("how the comment begins; null: none, or it was deleted"),
    projectId: Id,
    documentId: Id.nullable(),
    threadId: Id.nullable(),
    commentId: Id.nullable(),
    entityType: z.string().nullable().describe("what `entityId` names"),
    entityId: Id.nullable(),
    by: z
      .object({ userId: Id.nullable(), agentId: Id.nullable(), name: z.string().nullable() })
      .describe("who did it; of an agent, `userId` is the person it acts for"),
    createdAt: Moment,
    readAt: Moment.nullable(),
    expiresAt: Moment.nullable().describe("not shown from then on; null: for good"),
  })
  .meta({ id: "Notification" });

const Unread = z
  .object({
    unread: z.int().min(0),
    position: Position.describe("of the newest notification; 0: there was none"),
  })
  .meta({ id: "Unread" });

const wanted = z.boolean().default(true);
const Settings = z
  .strictObject({
    mention: wanted,
    comment_reply: wanted,
    thread_resolved: wanted,
    suggestion: wanted,
  })
  .meta({ id: "InboxSettings" });

/** What somebody is told: read it, mark it, choose what comes, and hear of it as it comes. */
export const inboxRoutes = {
  listNotifications: route({
    method: "get",
    path: "/inbox",
    tag: "Inbox",
    summary: "What you were told, the newest first",
    description: `${MINE} What is told of a project that you may not read any more is not shown.`,
    access: { who: "signed-in" },
    query: PageQuery.extend({
      unread: Flag.describe("only what is not read yet"),
      kind: Kind.optional(),
    }),
    answer: {
      status: 200,
      body: z.object({ notifications: z.array(Notification), nextCursor: NextCursor }),
    },
  }),
  countUnread: route({
    method: "get",
    path: "/inbox/unread",
    tag: "Inbox",
    summary: "How much you have not read",
    description: MINE,
    access: { who: "signed-in" },
    answer: { status: 200, body: Unread },
  }),
  readNotification: route({
    method: "post",
    path: "/inbox/{notificationId}/read",
    tag: "Inbox",
    summary: "Mark one as read",
    access: { who: "signed-in" },
    params: z.object({ notificationId: Id }),
    answer: { status: 200, body: Notification },
    errors: ["not_found"],
  }),
  readAllNotifications: route({
    method: "post",
    path: "/inbox/read-all",
    tag: "Inbox",
    summary: "Mark everything as read, up to a position",
    description:
      "Name the newest position that you have seen: what arrives meanwhile stays unread.",
    access: { who: "signed-in" },
    body: z.strictObject({ position: Position }),
    example: { position: 1 },
    answer: { status: 200, body: Unread },
  }),
  getInboxSettings: route({
    method: "get",
    path: "/inbox/settings",
    tag: "Inbox",
    summary: "What you want to be told",
    description: MINE,
    access: { who: "signed-in" },
    answer: { status: 200, body: Settings },
  }),
  putInboxSettings: route({
    method: "put",
    path: "/inbox/settings",
    tag: "Inbox",
    summary: "Choose what you want to be told",
    description: "A kind that is left out is wanted. Counts for what comes from now on.",
    access: { who: "signed-in" },
    body: Settings,
    example: { mention: true, comment_reply: true, thread_resolved: false, suggestion: true },
    answer: { status: 200, body: Settings },
  }),
  streamInbox: route({
    method: "get",
    path: "/inbox/stream",
    tag: "Inbox",
    summary: "Hear of everything as it comes",
    description: [
      MINE,
      "Server-sent events. `notification` has a notification as the list shows it; `unread` has `{ unread, position }`,",
      "at once and whenever the number changes. The id of an event is its position: send the last one back in",
      "`Last-Event-ID` and nothing is missed. A comment comes every 15 s. It ends when your session or key does, and",
      "when the server stops; then come back, after `retry` milliseconds or later.",
    ].join(" "),
    access: { who: "signed-in" },
    answer: { status: 200, events: { notification: Notification, unread: Unread } },
  }),
} as const;
