import { z } from "zod";
import { ACTIVITY_ACTIONS, ACTIVITY_ENTITIES, ACTOR_TYPES } from "../closed-sets.ts";
import { Id, Moment, NextCursor, PageQuery } from "./common.ts";
import { route } from "./contract.ts";

const FeedPosition = z.int().min(0);

/** Something that happened, and who did it. It never changes; the names in it are those of today. */
const Activity = z
  .object({
    position: FeedPosition.describe("rises from one to the next, with gaps"),
    at: Moment,
    action: z.enum(ACTIVITY_ACTIONS),
    entityType: z.enum(ACTIVITY_ENTITIES),
    entityId: Id.nullable().describe("of a member and a collaborator: the user's id"),
    title: z
      .string()
      .nullable()
      .describe("of a document, as it is called now; null where it is not here any more"),
    actor: z.object({
      type: z.enum(ACTOR_TYPES),
      id: Id.nullable(),
      name: z.string().nullable().describe("null when the account is gone"),
      forUserId: Id.nullable().describe("the person whom an agent acted for"),
    }),
    changes: z
      .record(z.string(), z.object({ old: z.unknown(), new: z.unknown() }))
      .nullable()
      .describe("for example `{ projectId: { old, new } }` of a move"),
    details: z
      .record(z.string(), z.unknown())
      .describe(
        "`versionNumber`, `threadId`, `commentId`; of `renamed` the `fields`; of `edited` the characters `added` and `removed`, the `sections`, and `firstSeq` to `lastSeq`",
      ),
  })
  .meta({ id: "Activity" });

const FeedQuery = PageQuery.extend({
  after: z.coerce
    .number<number>()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("follow: what came after this position, the oldest first; instead of `cursor`"),
  actor: Id.optional().describe("a user or an agent"),
  action: z.enum(ACTIVITY_ACTIONS).optional(),
});

const Feed = z.object({
  activities: z.array(Activity),
  nextCursor: NextCursor,
  position: FeedPosition.describe(
    "give it as `after` the next time: nothing up to here can appear any more",
  ),
});

const FOLLOWING =
  "To follow it, read the list once, then ask again and again with `after` set to the `position` of the answer before: you get everything that came since, once, in order. What a transaction has written that others wait for is held back until no earlier position can appear.";

/** What happened, newest first, or from a position on. */
export const activityRoutes = {
  listProjectActivities: route({
    method: "get",
    path: "/projects/{projectId}/activities",
    tag: "Activity",
    summary: "What happened in a project",
    description: `Everybody sees what happened to documents. What happened to keys, agents and collaborators, and how each thing was done, takes the right to manage. ${FOLLOWING}`,
    access: { who: "right", right: "read", at: "project", in: "projectId" },
    params: z.object({ projectId: Id }),
    query: FeedQuery,
    answer: { status: 200, body: Feed },
  }),
  listDocumentActivities: route({
    method: "get",
    path: "/documents/{documentId}/activities",
    tag: "Activity",
    summary: "What happened to a document",
    description: `Wherever it was at the time. Of a deleted one it takes the right to edit. ${FOLLOWING}`,
    access: { who: "right", right: "read", at: "document", in: "documentId" },
    params: z.object({ documentId: Id }),
    query: FeedQuery,
    answer: { status: 200, body: Feed },
  }),
} as const;
