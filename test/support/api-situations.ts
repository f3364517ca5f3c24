import { compactDocument } from "../../persistence/compaction.ts";
import type { ErrorCode } from "../../schema/errors.ts";
import type { DoorAnswer } from "./api-door.ts";
import type { RouteRow } from "./api-fixtures.ts";
import {
  changing,
  routeNamed,
  sendChanged,
  withBody,
  type Provocation,
  type Scene,
} from "./api-sending.ts";
import { insertAgent } from "./api-tenancy.ts";

/** Leaves the admin as the only one of his organization. */
async function makeLastAdmin({ sql, world }: Scene): Promise<void> {
  await sql`
    delete from organization_members
    where organization_id = ${world.own.organizationId} and user_id <> ${world.caller("admin").userId}`;
}

const asLastAdmin: Provocation = async (row, scene) => {
  await makeLastAdmin(scene);
  const { userId } = scene.world.caller("admin");
  return sendChanged(row, scene, {
    change: (parts) => ({
      ...parts,
      params: { ...parts.params, userId },
      ...(parts.body !== undefined && { body: { role: "member" } }),
    }),
  });
};

/** A document whose first row cannot be applied, as the first load leaves it. */
const quarantined: Provocation = async (row, scene) => {
  const { documentId } = scene.world.own;
  const { sql } = scene;
  const garbage = Uint8Array.of(255, 255, 255, 255);
  await sql`update yjs_updates set update_data = ${garbage} where document_id = ${documentId}`;
  await sql`
    update yjs_documents set quarantined_seq = 1, quarantine_reason = 'a test'
    where document_id = ${documentId} and part = 'content'`;
  return sendChanged(row, scene, {});
};

/** The same for its discussion. */
const discussionQuarantined: Provocation = async (row, scene) => {
  const { documentId } = scene.world.own;
  await scene.sql`
    update yjs_documents set quarantined_seq = 1, quarantine_reason = 'a test'
    where document_id = ${documentId} and part = 'comments'`;
  return sendChanged(row, scene, {});
};

/** One reaction more than a comment holds. */
const tooManyReactions: Provocation = async (row, scene) => {
  const react = (emoji: string): Promise<DoorAnswer> =>
    sendChanged(row, scene, {
      change: ({ params, ...parts }) => ({
        ...parts,
        params: { ...params, emoji: encodeURIComponent(emoji) },
      }),
    });
  for (const emoji of "🍇🍈🍉🍊🍋🍌🍍🍎🍏🍐🍑🍒🍓🍔🍕🍖🍗🍘🍙🍚") await react(emoji);
  return react("🍛");
};

/** The document was read, then written in, and all of it is one snapshot now. */
const mergedSince: Provocation = async (row, scene) => {
  const { text } = await sendChanged(routeNamed("getOutline"), scene, {});
  const { seq: baseSeq } = JSON.parse(text) as { seq: number };
  for (const words of ["Words since", "Words since then"]) await write(scene, words);
  const address = { documentId: scene.world.own.documentId, part: "content" } as const;
  await compactDocument(scene.sql, address, { versions: { minIntervalMs: 0 } });
  return changing(() => ({ baseSeq }))(row, scene);
};

/** A hunk of words is to become a heading. */
const headingInstead = changing(({ world: { own } }) => ({ instead: { [own.hunkId]: "# No" } }));

const saying = (words: object): Provocation => changing(() => ({ markdown: undefined, ...words }));

const STRANGER = "[@who](mention:user/00000000-0000-4000-8000-000000000000)";

const unfitting = { type: "doc", content: [{ type: "no-such-node" }] };

/** Codes that take a situation of the route's own, by the route's name. */
export const SITUATIONS: Readonly<Record<string, Partial<Record<ErrorCode, Provocation>>>> = {
  createSession: {
    unauthenticated: (row, scene) =>
      sendChanged(row, scene, { change: withBody({ link: "no-such-link" }) }),
  },
  streamInbox: {
    bad_request: (row, scene) =>
      sendChanged(row, scene, { headers: { "last-event-id": "no-such-thing" } }),
  },
  signOut: { bad_request: (row, scene) => sendChanged(row, scene, { caller: "jwt member" }) },
  updateOrganization: {
    conflict: changing(({ world }) => ({ slug: world.foreign.organizationSlug })),
  },
  updateMember: { conflict: asLastAdmin },
  removeMember: { conflict: asLastAdmin },
  leaveOrganization: { conflict: asLastAdmin },
  updateProject: { conflict: changing(() => ({ slug: "other" })) },
  updateFeature: { conflict: changing(({ world }) => ({ parentId: world.own.featureId })) },
  createDocument: { bad_content: changing(() => ({ content: unfitting })) },
  updateDocument: { conflict: changing(({ world }) => ({ slug: world.own.otherDocumentSlug })) },
  getContent: { document_quarantined: quarantined },
  getOutline: { document_quarantined: quarantined },
  getSection: { document_quarantined: quarantined },
  putContent: {
    bad_content: changing(() => ({ content: unfitting })),
    document_quarantined: quarantined,
  },
  createVersion: { document_quarantined: quarantined },
  createThread: {
    anchor_not_found: changing(() => ({ anchor: { quote: "no such words" } })),
    anchor_ambiguous: async (row, scene) => {
      await repeatWords(scene);
      return sendChanged(row, scene, {});
    },
    bad_content: saying({ content: unfitting }),
    unknown_target: saying({ markdown: STRANGER }),
    document_quarantined: discussionQuarantined,
  },
  createReply: {
    bad_content: saying({ content: unfitting }),
    unknown_target: saying({ markdown: STRANGER }),
    document_quarantined: discussionQuarantined,
  },
  updateComment: {
    bad_content: saying({ content: unfitting }),
    unknown_target: saying({ markdown: STRANGER }),
    document_quarantined: discussionQuarantined,
  },
  resolveThread: { document_quarantined: discussionQuarantined },
  reopenThread: { document_quarantined: discussionQuarantined },
  deleteComment: { document_quarantined: discussionQuarantined },
  addReaction: { conflict: tooManyReactions, document_quarantined: discussionQuarantined },
  removeReaction: { document_quarantined: discussionQuarantined },
  createSuggestion: {
    bad_content: changing(() => ({ diffs: undefined, content: unfitting })),
    section_not_found: changing(() => ({ diffs: [{ delete: "no-such-section" }] })),
    base_too_old: mergedSince,
    unknown_target: changing(({ world }) => ({ promptedBy: world.foreign.memberId })),
    document_quarantined: quarantined,
  },
  listSuggestions: { document_quarantined: quarantined },
  getSuggestion: { document_quarantined: quarantined },
  tryOutSuggestion: { bad_content: headingInstead, document_quarantined: quarantined },
  acceptSuggestion: { bad_content: headingInstead, document_quarantined: quarantined },
  rejectSuggestion: { document_quarantined: quarantined },
  takeBackSuggestion: { document_quarantined: quarantined },
  updateAgent: { conflict: changing(takenAgentName) },
};

const contentOf = (text: string): object => ({
  content: { type: "doc", content: [{ type: "paragraph", content: [{ type: "text", text }] }] },
});

const write = (scene: Scene, text: string): Promise<DoorAnswer> =>
  sendChanged(routeNamed("putContent"), scene, { change: withBody(contentOf(text)) });

/** Gives the document its words twice. */
const repeatWords = (scene: Scene): Promise<DoorAnswer> => write(scene, "Words and Words");

/** The name of another agent of the same level. */
async function takenAgentName({ sql, world: { own } }: Scene, row: RouteRow): Promise<object> {
  const projectId = row.level === "project" ? own.projectId : null;
  const agentId = await insertAgent(sql, own, projectId);
  const [agent] = await sql<{ name: string }[]>`select name from agents where id = ${agentId}`;
  return { name: agent?.name };
}
