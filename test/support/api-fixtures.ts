import { randomUUID } from "node:crypto";
import type { PlaceKind, Route } from "../../schema/api/contract.ts";
import { api } from "../../schema/api/index.ts";
import type { DoorRequest } from "./api-door.ts";
import type { Level } from "./api-oracle.ts";
import type { Tenancy } from "./api-tenancy.ts";
import type { Caller } from "./api-world.ts";

/** A route of the contract under its name; one at an agent or a key comes twice, for both levels that those have. */
export type RouteRow = {
  readonly title: string;
  readonly name: string;
  readonly contract: Route;
  readonly level: Level;
};

/** Where what an id names can belong. */
const LEVELS: Readonly<Record<PlaceKind, Level[]>> = {
  organization: ["organization"],
  project: ["project"],
  document: ["project"],
  feature: ["project"],
  agent: ["organization", "project"],
  key: ["organization", "project"],
};

/** Every route of the contract, each with where its place is. */
export const ROUTE_ROWS: readonly RouteRow[] = Object.entries<Route>(api).flatMap(
  ([name, contract]) =>
    levelsOf(contract).map((level, _, levels) => ({
      title: levels.length > 1 ? `${name} (${level})` : name,
      name,
      contract,
      level,
    })),
);

function levelsOf({ access }: Route): Level[] {
  if (access.who !== "right") return ["organization"];
  return LEVELS[access.at];
}

/** A request in its parts, all ids of one tenant: valid, so that nothing but the caller's right decides. */
export type Parts = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly body?: unknown;
};

type Setting = { readonly tenancy: Tenancy; readonly caller: Caller };

type Body = (setting: Setting, unique: string) => unknown;

const PARAGRAPH = { type: "paragraph", content: [{ type: "text", text: "New words" }] };
const CONTENT = { type: "doc", content: [PARAGRAPH] };

/** Some of a suggestion's hunks, one of them in other words. */
const choiceOf = ({ hunkId, diffId }: Tenancy): object => ({
  hunkIds: [hunkId],
  diffIds: [diffId],
  instead: { [hunkId]: "Other" },
});

/** A valid body for each route that takes one, with every id that it can hold. */
const BODIES: Readonly<Record<string, Body>> = {
  createOrganization: (_, unique) => ({ name: "New", slug: unique }),
  updateOrganization: (_, unique) => ({ name: "Renamed", slug: unique }),
  createSession: ({ caller: { link } }) => ({ link }),
  updateMe: () => ({ name: "Renamed" }),
  addMember: ({ tenancy: { strangerEmail } }) => ({ email: strangerEmail, role: "member" }),
  updateMember: () => ({ role: "admin" }),
  createProject: (_, unique) => ({ name: "New", slug: unique, description: "What it is for" }),
  updateProject: (_, unique) => ({ name: "Renamed", slug: unique, archived: true }),
  addCollaborator: ({ tenancy: { memberId } }) => ({ userId: memberId, role: "reviewer" }),
  updateCollaborator: () => ({ role: "editor" }),
  createFeature: ({ tenancy: { featureId } }, unique) => ({
    name: "New",
    slug: unique,
    parentId: featureId,
  }),
  updateFeature: ({ tenancy: { parentFeatureId } }, unique) => ({
    name: "Renamed",
    slug: unique,
    parentId: parentFeatureId,
  }),
  createDocument: ({ tenancy: { featureId } }, unique) => ({
    title: "New",
    type: "feature_blueprint",
    slug: unique,
    featureId,
    content: CONTENT,
  }),
  updateDocument: ({ tenancy: { projectId, featureId } }) => ({
    title: "Renamed",
    projectId,
    featureId,
  }),
  putContent: () => ({ content: CONTENT }),
  announcePresence: () => ({ sectionId: null }),
  createVersion: () => ({ name: "New" }),
  readAllNotifications: () => ({ position: 1 }),
  putInboxSettings: () => ({ mention: false }),
  createThread: () => ({ markdown: "Why?", anchor: { quote: "Words" } }),
  createReply: () => ({ markdown: "Because" }),
  updateComment: () => ({ markdown: "Other words" }),
  createSuggestion: ({ tenancy: { sectionId, memberId } }, unique) => ({
    diffs: [{ sectionId, newContent: `Words of ${unique}`, explanation: "Why" }],
    promptedBy: memberId,
  }),
  tryOutSuggestion: ({ tenancy }) => choiceOf(tenancy),
  acceptSuggestion: ({ tenancy }) => choiceOf(tenancy),
  rejectSuggestion: ({ tenancy: { hunkId, diffId } }) => ({ hunkIds: [hunkId], diffIds: [diffId] }),
  takeBackSuggestion: ({ tenancy: { hunkId, diffId } }) => ({
    hunkIds: [hunkId],
    diffIds: [diffId],
  }),
  createAgent: ({ tenancy: { projectId } }, unique) => ({
    agentCode: unique,
    name: unique,
    roleTitle: "Writer",
    projectId,
  }),
  createProjectAgent: (_, unique) => ({ agentCode: unique, name: unique, roleTitle: "Writer" }),
  updateAgent: (_, unique) => ({ name: unique, status: "probation" }),
  createKey: ({ tenancy: { projectId, projectAgentId } }) => ({
    name: "New",
    scopes: ["docs:read"],
    role: "viewer",
    projectId,
    agentId: projectAgentId,
  }),
  createProjectKey: ({ tenancy: { projectAgentId } }) => ({
    name: "New",
    scopes: ["docs:read"],
    role: "viewer",
    agentId: projectAgentId,
  }),
  rotateKey: () => ({ graceSeconds: 60 }),
};

/** What a route's query cannot do without. */
const QUERIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  search: { q: "document" },
};

/** What a parameter is called, and the id that it stands for. */
function paramOf(row: RouteRow, param: string, { tenancy, caller }: Setting): string {
  const { path } = row.contract;
  const ofProject = row.level === "project";
  switch (param) {
    case "organizationId":
    case "projectId":
    case "featureId":
    case "documentId":
    case "threadId":
    case "commentId":
    case "sectionId":
    case "suggestionId":
      return tenancy[param];
    case "agentId":
      return ofProject ? tenancy.projectAgentId : tenancy.agentId;
    case "keyId":
      if (path.startsWith("/me/")) return caller.ownKeyId;
      return ofProject ? tenancy.projectKeyId : tenancy.keyId;
    case "userId":
      return path.includes("/collaborators/") ? tenancy.guestId : tenancy.memberId;
    case "sessionId":
    case "notificationId":
      return caller[param];
    case "emoji":
      return encodeURIComponent("👍");
    case "number":
      return String(tenancy.versionNumber);
    default:
      throw new Error(
        `${row.name} has a parameter {${param}} that test/support/api-fixtures.ts knows no id for`,
      );
  }
}

/** A valid request for a route. @throws Error that says what to add where this file knows nothing of the route. */
export function partsFor(row: RouteRow, setting: Setting): Parts {
  const { name, contract } = row;
  const names = [...contract.path.matchAll(/\{(\w+)\}/gu)].map((match) => match[1] ?? "");
  const params = Object.fromEntries(names.map((param) => [param, paramOf(row, param, setting)]));
  const query = QUERIES[name] ?? {};
  if (contract.body === undefined && contract.textBody === undefined) return { params, query };
  const body = BODIES[name];
  if (body === undefined) {
    throw new Error(
      `${name} takes a body: add a valid one to BODIES in test/support/api-fixtures.ts`,
    );
  }
  return { params, query, body: body(setting, `t-${randomUUID()}`) };
}

/** The request as it goes over the wire. */
export function requestOf(
  { contract }: Pick<RouteRow, "contract">,
  { params, query, body }: Parts,
  headers: Readonly<Record<string, string | null>> = {},
): DoorRequest {
  const path = contract.path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => params[name] ?? "");
  const search = new URLSearchParams(query).toString();
  const all: Record<string, string | null> = {
    ...(body !== undefined && { "content-type": "application/json" }),
    ...(contract.ifMatch === "required" && { "if-match": "*" }),
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
  return {
    method: contract.method.toUpperCase(),
    path: `/api/v1${path}${search === "" ? "" : `?${search}`}`,
    headers: Object.fromEntries(given),
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
}

/** The header that a caller signs in with. */
export const signedBy = ({ token }: Pick<Caller, "token">): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` };
