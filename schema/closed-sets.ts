/** What a person may be in an organization. An admin counts as owner of every project in it. */
export const ORGANIZATION_ROLES = ["member", "admin"] as const;
export type OrganizationRole = (typeof ORGANIZATION_ROLES)[number];

/** What a document can be (seed 000, section 5). */
export const DOCUMENT_TYPES = [
  "product_overview",
  "feature_requirements",
  "technical_requirements",
  "foundation_blueprint",
  "system_diagram",
  "feature_blueprint",
] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

/** `before_restore` is what a document was just before somebody restored an older version. */
export const VERSION_KINDS = ["named", "automatic", "before_restore"] as const;
export type VersionKind = (typeof VERSION_KINDS)[number];

/** Whether an agent belongs to the organization or to one project. */
export const AGENT_LEVELS = ["organization", "project"] as const;
export type AgentLevel = (typeof AGENT_LEVELS)[number];

/** `probation` may only suggest; `inactive` and `terminated` are refused (DESIGN 6). */
export const AGENT_STATUSES = ["active", "probation", "inactive", "terminated"] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** Who did what an activity tells of. `system`: the administration script, the first start, the host application. */
export const ACTOR_TYPES = ["user", "agent", "system"] as const;
export type ActorType = (typeof ACTOR_TYPES)[number];

/** What an activity is about; comments are something that happens to a document. A member and a collaborator are named by the user's id, beside where he is one. */
export const ACTIVITY_ENTITIES = [
  "user",
  "key",
  "member",
  "collaborator",
  "agent",
  "document",
] as const;
export type ActivityEntity = (typeof ACTIVITY_ENTITIES)[number];

/**
 * What happened. A role that is given for the first time changes from null, one that is taken away to null; the status
 * of an agent does the same when it is made and deleted.
 */
export const ACTIVITY_ACTIONS = [
  "created",
  "rotated",
  "revoked",
  "role_changed",
  "status_changed",
  "signed_in",
  "signed_out",
  "session_ended",
  "link_created",
  "link_ended",
  "sign_in_failed",
  "renamed",
  "moved",
  "deleted",
  "restored",
  "edited",
  "version_created",
  "comment_added",
  "resolved",
  "reopened",
  "suggested",
  "suggestion_accepted",
  "suggestion_rejected",
  "suggestion_taken_back",
] as const;
export type ActivityAction = (typeof ACTIVITY_ACTIONS)[number];

/** What a comment can be about; only documents have a table yet. */
export const COMMENT_PARENTS = ["document", "work_order", "feedback_item"] as const;

/** Where a mention can stand, of what has a table. */
export const MENTION_SOURCES = ["document", "comment"] as const;
export type MentionSource = (typeof MENTION_SOURCES)[number];

/** Who and what can be mentioned. */
export const MENTIONED_KINDS = ["user", "agent", "document", "feature"] as const;
export type MentionedKind = (typeof MENTIONED_KINDS)[number];

/** What somebody is notified of. */
export const NOTIFICATION_KINDS = [
  "mention",
  "comment_reply",
  "thread_resolved",
  "suggestion",
] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** How much a notification matters; the kinds have theirs in `persistence/notify.ts`. */
export const NOTIFICATION_PRIORITIES = ["low", "normal", "high"] as const;
export type NotificationPriority = (typeof NOTIFICATION_PRIORITIES)[number];

/** What became of a suggestion (seed 000, section 15). */
export const SUGGESTION_STATUSES = [
  "pending",
  "accepted",
  "rejected",
  "partially_accepted",
] as const;
export type SuggestionStatus = (typeof SUGGESTION_STATUSES)[number];

/** What became of one of its hunks. `taken_back`: it was accepted, and is out of the text again. */
export const HUNK_DECISIONS = ["pending", "accepted", "rejected", "taken_back"] as const;
export type HunkDecision = (typeof HUNK_DECISIONS)[number];
