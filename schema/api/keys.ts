import { z } from "zod";
import { SCOPES } from "../roles.ts";
import { Id, Moment, Name, NextCursor, PageQuery, RoleName, ScopeName } from "./common.ts";
import { route } from "./contract.ts";

const InOrganization = z.object({ organizationId: Id });
const InProject = z.object({ projectId: Id });
const OfKey = z.object({ keyId: Id });

/** `suspended`: its agent is inactive or terminated. */
export const KEY_STATES = ["live", "suspended", "expired", "revoked"] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** An API key: everything about it but the secret, which nobody has. */
export const Key = z
  .object({
    id: Id,
    organizationId: Id,
    projectId: Id.nullable().describe("null: it reaches every project of the organization"),
    userId: Id.describe("who made it: it never does more than this person may"),
    userName: z.string(),
    agentId: Id.nullable().describe("the agent that acts with it"),
    agentCode: z.string().nullable(),
    name: z.string(),
    prefix: z.string().describe("the part of the key before its dot"),
    scopes: z.array(ScopeName),
    role: RoleName.describe("the most it may do"),
    state: z.enum(KEY_STATES),
    createdAt: Moment,
    lastUsedAt: Moment.nullable().describe("to the minute"),
    expiresAt: Moment.nullable(),
    revokedAt: Moment.nullable(),
  })
  .meta({ id: "Key" });

/** A key that was just made, with its secret. */
export const MadeKey = Key.extend({
  token: z
    .string()
    .nullable()
    .describe(
      "the key itself, shown this once; null when the request was repeated with its Idempotency-Key",
    ),
}).meta({ id: "MadeKey" });

const ExpiresAt = Moment.nullable();

const NewKey = z.strictObject({
  name: Name,
  scopes: z
    .array(ScopeName)
    .min(1)
    .max(SCOPES.length)
    .transform((scopes) => [...new Set(scopes)]),
  role: RoleName.describe("the most it may do; at most what you may do yourself"),
  agentId: Id.optional().describe("the agent that will act with it; takes the right to manage it"),
  expiresAt: ExpiresAt.default(null).describe("null: it lives until it is revoked"),
});

/** A week: a rotation that takes longer is two keys. */
const MAX_GRACE_SECONDS = 7 * 24 * 3600;

const Rotation = z.strictObject({
  graceSeconds: z
    .int()
    .min(0)
    .max(MAX_GRACE_SECONDS)
    .default(0)
    .describe("how long the old key still works; 0 revokes it now"),
  expiresAt: ExpiresAt.optional().describe(
    "of the new key; absent: it lives as long as the old one was made for, from now",
  ),
});

const KeyQuery = PageQuery.extend({ agentId: Id.optional().describe("only those of this agent") });

const KeyPage = z.object({ keys: z.array(Key), nextCursor: NextCursor });

const manageKey = { who: "right", right: "manage", at: "key", in: "keyId" } as const;

/** The routes of API keys: making one takes a person, never a key. */
export const keyRoutes = {
  listKeys: route({
    method: "get",
    path: "/organizations/{organizationId}/keys",
    tag: "Agents and keys",
    summary: "The API keys of an organization and of its projects, the newest first",
    access: { who: "right", right: "manage", at: "organization", in: "organizationId" },
    params: InOrganization,
    query: KeyQuery.extend({ projectId: Id.optional().describe("only those of this project") }),
    answer: { status: 200, body: KeyPage },
  }),
  listProjectKeys: route({
    method: "get",
    path: "/projects/{projectId}/keys",
    tag: "Agents and keys",
    summary: "The API keys of a project, the newest first",
    access: { who: "right", right: "manage", at: "project", in: "projectId" },
    params: InProject,
    query: KeyQuery,
    answer: { status: 200, body: KeyPage },
  }),
  listMyKeys: route({
    method: "get",
    path: "/me/keys",
    tag: "Agents and keys",
    summary: "The API keys that you made, the newest first",
    access: { who: "person" },
    query: PageQuery,
    answer: { status: 200, body: KeyPage },
  }),
  createKey: route({
    method: "post",
    path: "/organizations/{organizationId}/keys",
    tag: "Agents and keys",
    summary: "Make an API key; it is shown once",
    description: "A key for an agent of a project is bound to that project.",
    access: {
      who: "right",
      right: "manage",
      at: "organization",
      in: "organizationId",
      person: true,
    },
    params: InOrganization,
    body: NewKey.extend({
      projectId: Id.optional().describe("where it works; absent: everywhere"),
    }),
    idempotent: true,
    example: { name: "Reader", role: "viewer", scopes: ["docs:read"] },
    answer: { status: 201, body: MadeKey },
    errors: ["conflict"],
  }),
  createProjectKey: route({
    method: "post",
    path: "/projects/{projectId}/keys",
    tag: "Agents and keys",
    summary: "Make an API key that works in this project only; it is shown once",
    access: { who: "right", right: "manage", at: "project", in: "projectId", person: true },
    params: InProject,
    body: NewKey,
    idempotent: true,
    example: { name: "Reader", role: "viewer", scopes: ["docs:read"] },
    answer: { status: 201, body: MadeKey },
    errors: ["conflict"],
  }),
  getKey: route({
    method: "get",
    path: "/keys/{keyId}",
    tag: "Agents and keys",
    summary: "One API key, without its secret",
    access: manageKey,
    params: OfKey,
    answer: { status: 200, body: Key },
  }),
  rotateKey: route({
    method: "post",
    path: "/keys/{keyId}/rotate",
    tag: "Agents and keys",
    summary: "Make a new key with the same rights and let the old one end",
    description:
      "The new key is yours, whoever made the old one: nobody gets a key that acts for somebody else.",
    access: { ...manageKey, person: true },
    params: OfKey,
    body: Rotation,
    idempotent: true,
    example: { graceSeconds: 3600 },
    answer: { status: 201, body: MadeKey },
    errors: ["conflict"],
  }),
  revokeKey: route({
    method: "delete",
    path: "/keys/{keyId}",
    tag: "Agents and keys",
    summary: "End an API key for good",
    access: manageKey,
    params: OfKey,
    answer: { status: 204 },
  }),
  revokeMyKey: route({
    method: "delete",
    path: "/me/keys/{keyId}",
    tag: "Agents and keys",
    summary: "End an API key that you made, whatever you may do where it works",
    access: { who: "person" },
    params: OfKey,
    answer: { status: 204 },
    errors: ["not_found"],
  }),
} as const;
