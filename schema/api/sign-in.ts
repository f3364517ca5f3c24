import { z } from "zod";
import { Id, Moment, Name, NextCursor, PageQuery, RoleName, ScopeName } from "./common.ts";
import { route } from "./contract.ts";

/** A person, to himself. */
const Self = z.object({ id: Id, email: z.string(), name: z.string() });

/** Who the server takes the caller for, and the bounds of what he holds. */
export const Me = z
  .object({
    user: Self.describe("the person; for a key, whoever made it"),
    kind: z
      .enum(["user", "jwt", "key"])
      .describe("a session, a token of the host application, or an API key"),
    agentId: Id.nullable().describe("the agent that the key belongs to"),
    scopes: z.array(ScopeName).nullable().describe("of a key; null: no such bound"),
    organizationId: Id.nullable().describe("the only one in reach; null: all he belongs to"),
    projectId: Id.nullable().describe("the only one in reach; null: all of the organization"),
    role: RoleName.nullable().describe(
      "of a key the most it may do; of a token of the host application what it gives in the organization",
    ),
    expiresAt: Moment.nullable().describe("null: not until it is revoked"),
  })
  .meta({ id: "Me" });

/** Somewhere that a person is signed in. */
const Session = z
  .object({
    id: Id,
    current: z.boolean().describe("true for the session that this request was sent with"),
    ipAddress: z.string().nullable().describe("from where it was made; a proxy's, behind one"),
    userAgent: z.string().nullable(),
    createdAt: Moment,
    expiresAt: Moment,
  })
  .meta({ id: "Session" });

/** How people get in and out, and who they are then. */
export const signInRoutes = {
  createSession: route({
    method: "post",
    path: "/sessions",
    tag: "Sign-in",
    summary: "Sign in with a one-time link",
    description:
      "`link` is what follows the `#` in the address that `admin user link` prints. It works once. " +
      "The token is in no other answer.",
    access: { who: "anyone" },
    body: z.strictObject({ link: z.string().min(1).max(200) }),
    example: { link: "what follows the # of a sign-in link" },
    answer: {
      status: 201,
      body: z.object({ token: z.string(), sessionId: Id, expiresAt: Moment, user: Self }),
    },
    errors: ["unauthenticated"],
  }),
  listSessions: route({
    method: "get",
    path: "/sessions",
    tag: "Sign-in",
    summary: "Where you are signed in, the newest first",
    access: { who: "person" },
    query: PageQuery,
    answer: {
      status: 200,
      body: z.object({ sessions: z.array(Session), nextCursor: NextCursor }),
    },
  }),
  deleteOtherSessions: route({
    method: "delete",
    path: "/sessions",
    tag: "Sign-in",
    summary: "Sign out everywhere but here",
    access: { who: "person" },
    answer: { status: 200, body: z.object({ ended: z.int().describe("how many there were") }) },
  }),
  signOut: route({
    method: "delete",
    path: "/sessions/current",
    tag: "Sign-in",
    summary: "Sign out: the token of this request is worthless from then on",
    description:
      "A token of the host application has no session here: `bad_request`. It ends when it expires.",
    access: { who: "person" },
    answer: { status: 204 },
  }),
  deleteSession: route({
    method: "delete",
    path: "/sessions/{sessionId}",
    tag: "Sign-in",
    summary: "End one of your sessions",
    access: { who: "person" },
    params: z.object({ sessionId: Id }),
    answer: { status: 204 },
    errors: ["not_found"],
  }),
  getMe: route({
    method: "get",
    path: "/me",
    tag: "Sign-in",
    summary: "Who you are here, and what your token reaches",
    access: { who: "signed-in" },
    answer: { status: 200, body: Me },
  }),
  updateMe: route({
    method: "patch",
    path: "/me",
    tag: "Sign-in",
    summary: "Change the name that others see",
    access: { who: "person" },
    body: z.strictObject({ name: Name }),
    example: { name: "Ada" },
    answer: { status: 200, body: Me },
  }),
} as const;
