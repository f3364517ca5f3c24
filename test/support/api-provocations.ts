import { MAX_CONTENT_BYTES } from "../../schema/api/contract.ts";
import type { ErrorCode } from "../../schema/errors.ts";
import type { Sql } from "../../persistence/database.ts";
import { CALLER_NAMES, traitsOf, type CallerName } from "./api-callers.ts";
import type { Door, DoorAnswer } from "./api-door.ts";
import {
  partsFor,
  requestOf,
  ROUTE_ROWS,
  signedBy,
  type Parts,
  type RouteRow,
} from "./api-fixtures.ts";
import { mixedRequests } from "./api-mixed.ts";
import { verdictOf, type Target } from "./api-oracle.ts";
import { insertAgent } from "./api-tenancy.ts";
import type { World } from "./api-world.ts";

/** What provocations work with. */
export type Scene = { readonly world: World; readonly door: Door; readonly sql: Sql };

/** Makes a route answer with one code; null where this way does not lead there. */
type Provocation = (row: RouteRow, scene: Scene) => Promise<DoorAnswer | null>;

type Changes = {
  readonly caller?: CallerName;
  readonly target?: Target;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly change?: (parts: Parts) => Parts;
};

/** Sends a route's valid request as an admin does, but for these changes. */
export function sendChanged(
  row: RouteRow,
  { world, door }: Pick<Scene, "world" | "door">,
  { caller: name = "admin", target = "own", headers = {}, change = (parts) => parts }: Changes,
): Promise<DoorAnswer> {
  const caller = world.caller(name);
  const setting =
    target === "own"
      ? { tenancy: world.own, caller }
      : { tenancy: world.foreign, caller: world.caller("outsider") };
  const parts = change(partsFor(row, setting));
  return door.send(requestOf(row, parts, { ...signedBy(caller), ...headers }));
}

const withBody =
  (body: unknown) =>
  (parts: Parts): Parts => ({ ...parts, body });

/** A caller that the oracle expects this refusal for. */
function refusedCaller(row: RouteRow, code: ErrorCode): CallerName | undefined {
  return CALLER_NAMES.find((name) => verdictOf(traitsOf(name), row, "own") === code);
}

const notFound: Provocation = async (row, scene) => {
  const { access, params } = row.contract;
  if ((access.who === "person" || access.who === "signed-in") && params !== undefined) {
    return sendChanged(row, scene, { target: "foreign" });
  }
  const isPlace = access.who === "right" && access.at !== "document";
  if (isPlace) return sendChanged(row, scene, { target: "foreign" });
  const parts = partsFor(row, { tenancy: scene.world.own, caller: scene.world.caller("admin") });
  const [mixed] = mixedRequests(row, parts, scene.world).filter(
    ({ at }) => !at.startsWith("query"),
  );
  return mixed === undefined ? null : sendChanged(row, scene, { change: () => mixed.parts });
};

const badRequest: Provocation = async (row, scene) => {
  const { body, textBody, query, idempotent, params, access } = row.contract;
  if (body !== undefined) return sendChanged(row, scene, { change: withBody("{") });
  if (textBody !== undefined) {
    const headers = { "content-type": textBody[0] ?? null };
    return sendChanged(row, scene, { headers, change: withBody("\ud800") });
  }
  if (idempotent === true) {
    return sendChanged(row, scene, { headers: { "idempotency-key": "with a space" } });
  }
  const [filter] = Object.keys(query?.shape ?? {});
  if (filter !== undefined) {
    return sendChanged(row, scene, {
      change: (parts) => ({ ...parts, query: { [filter]: "\u0000 nothing" } }),
    });
  }
  const place = access.who === "right" ? access.in : null;
  const beside = Object.keys(params?.shape ?? {}).find((name) => name !== place);
  if (beside === undefined) return null;
  return sendChanged(row, scene, {
    change: (parts) => ({ ...parts, params: { ...parts.params, [beside]: "no-such-thing" } }),
  });
};

const conflict: Provocation = async (row, scene) => {
  if (row.contract.idempotent !== true) return null;
  const headers = { "idempotency-key": "the-same-key" };
  await sendChanged(row, scene, { headers });
  return sendChanged(row, scene, {
    headers,
    change: (parts) => ({ ...parts, body: `${JSON.stringify(parts.body)} ` }),
  });
};

/** How each code is provoked at any route that documents it. */
const EVERYWHERE: Partial<Record<ErrorCode, Provocation>> = {
  unauthenticated: (row, scene) => sendChanged(row, scene, { caller: "nobody" }),
  forbidden: async (row, scene) => {
    const caller = refusedCaller(row, "forbidden");
    return caller === undefined ? null : sendChanged(row, scene, { caller });
  },
  not_found: notFound,
  document_not_found: (row, scene) => sendChanged(row, scene, { target: "foreign" }),
  bad_request: badRequest,
  too_large: (row, scene) =>
    sendChanged(row, scene, { change: withBody("x".repeat(MAX_CONTENT_BYTES + 1)) }),
  unsupported_media_type: (row, scene) =>
    sendChanged(row, scene, { headers: { "content-type": "application/x-nothing" } }),
  precondition_failed: (row, scene) =>
    sendChanged(row, scene, { headers: { "if-match": '"nothing"' } }),
  precondition_required: (row, scene) => sendChanged(row, scene, { headers: { "if-match": null } }),
  conflict,
};

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

const changing =
  (fields: (scene: Scene, row: RouteRow) => object | Promise<object>): Provocation =>
  async (row, scene) => {
    const changed = await fields(scene, row);
    return sendChanged(row, scene, {
      change: (parts) => ({ ...parts, body: { ...(parts.body as object), ...changed } }),
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

const saying = (words: object): Provocation => changing(() => ({ markdown: undefined, ...words }));

const STRANGER = "[@who](mention:user/00000000-0000-4000-8000-000000000000)";

const unfitting = { type: "doc", content: [{ type: "no-such-node" }] };

/** Codes that take a situation of the route's own. */
const HERE: Readonly<Record<string, Partial<Record<ErrorCode, Provocation>>>> = {
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
  updateAgent: { conflict: changing(takenAgentName) },
};

/** Gives the document its words twice. */
async function repeatWords(scene: Scene): Promise<void> {
  const row = ROUTE_ROWS.find(({ name }) => name === "putContent");
  if (row === undefined) throw new Error("there is no putContent");
  const paragraph = { type: "paragraph", content: [{ type: "text", text: "Words and Words" }] };
  const change = withBody({ content: { type: "doc", content: [paragraph] } });
  await sendChanged(row, scene, { change });
}

/** The name of another agent of the same level. */
async function takenAgentName({ sql, world: { own } }: Scene, row: RouteRow): Promise<object> {
  const projectId = row.level === "project" ? own.projectId : null;
  const agentId = await insertAgent(sql, own, projectId);
  const [agent] = await sql<{ name: string }[]>`select name from agents where id = ${agentId}`;
  return { name: agent?.name };
}

/** The callers that `provoke` needs for a code that it takes a situation for, and whether it takes one. */
export const SITUATION_CALLERS: readonly CallerName[] = ["admin", "outsider", "jwt member"];

/** True when provoking the code changes the world, so that it needs one of its own. */
export const isSituation = ({ name }: RouteRow, code: ErrorCode): boolean =>
  code === "conflict" || HERE[name]?.[code] !== undefined;

/** Makes a route answer with a code that it documents; null where no known request does. */
export const provoke = async (
  row: RouteRow,
  code: ErrorCode,
  scene: Scene,
): Promise<DoorAnswer | null> =>
  (await (HERE[row.name]?.[code] ?? EVERYWHERE[code])?.(row, scene)) ?? null;
