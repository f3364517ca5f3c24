import type { z } from "zod";
import type { SignIn } from "../../extensions/sign-in.ts";
import { createSession } from "../../persistence/accounts.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import { readMe, renameUser } from "../../persistence/me.ts";
import { revokeSessions } from "../../persistence/revoke.ts";
import { endSession, sessionPage } from "../../persistence/sessions.ts";
import { spendSignInLink } from "../../persistence/sign-in-links.ts";
import type { Me } from "../../schema/api/sign-in.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import { SCOPES } from "../../schema/roles.ts";
import { cut, pageOf } from "./page.ts";
import type { Handlers, Shown } from "./serve.ts";

/** Thirty days: whoever comes back within them need not ask for another link. */
const SESSION_MS = 30 * 24 * 3600 * 1000;

/** Newest first, by time in microseconds. */
const ORDER = "-createdAt";

const sessionIdOf = (principal: Principal): string | null =>
  principal.kind === "user" ? principal.sessionId : null;

async function showMe(
  sql: SqlOrTransaction,
  principal: Principal,
): Promise<Shown<z.output<typeof Me>>> {
  const { expiresAt, ...user } = await readMe(sql, principal);
  const { kind } = principal;
  return {
    user,
    kind,
    agentId: kind === "key" ? principal.agentId : null,
    scopes: kind === "key" ? SCOPES.filter((scope) => principal.scopes.includes(scope)) : null,
    organizationId: kind === "user" ? null : principal.organizationId,
    projectId: kind === "key" ? principal.projectId : null,
    role: kind === "user" ? null : principal.role,
    expiresAt,
  };
}

/** The routes of `schema/api/sign-in.ts`. */
export const signInHandlers = ({ signIn }: { signIn: SignIn }) =>
  ({ ...ownHandlers, ...linkHandlers(signIn) }) satisfies Handlers;

const linkHandlers = (signIn: SignIn) =>
  ({
    async createSession({ sql, by, body, sender }) {
      const spend = (): Promise<string | null> => spendSignInLink(sql, body.link);
      const userId = await signIn.byLink(body.link, sender.network, spend);
      const expiresAt = new Date(Date.now() + SESSION_MS);
      const { sessionId, token } = await createSession(
        sql,
        { userId, expiresAt, ipAddress: sender.ipAddress, userAgent: sender.userAgent },
        { ...by, type: "user", id: userId, via: "link" },
      );
      const { id, email, name } = await readMe(sql, { kind: "user", userId, sessionId });
      return { body: { token, sessionId, expiresAt, user: { id, email, name } } };
    },
  }) satisfies Handlers;

const ownHandlers = {
  async listSessions({ sql, principal, query }) {
    const page = pageOf(ORDER, query);
    if (page.after !== null && !/^\d{1,18}$/u.test(page.after.value)) {
      throw new ScriptoriumError("bad_request", "The cursor is not one of this list");
    }
    const found = await sessionPage(sql, principal.userId, page);
    const { rows, nextCursor } = cut(ORDER, page, found);
    const current = sessionIdOf(principal);
    const sessions = rows.map(({ sortKey: _, ...row }) => ({
      ...row,
      current: row.id === current,
    }));
    return { body: { sessions, nextCursor } };
  },

  async deleteOtherSessions({ sql, by, principal, rightsChanged }) {
    const { userId } = principal;
    const ended = await revokeSessions(sql, userId, { by, exceptId: sessionIdOf(principal) });
    rightsChanged({ userId });
    return { body: { ended } };
  },

  // Before `deleteSession`: its path is the more special one.
  async signOut({ sql, by, principal, rightsChanged }) {
    const { userId } = principal;
    const sessionId = sessionIdOf(principal);
    if (sessionId === null) {
      throw new ScriptoriumError(
        "bad_request",
        "A token of the host application has no session here; it ends when it expires",
      );
    }
    await endSession(sql, { userId, sessionId }, { by, action: "signed_out" });
    rightsChanged({ sessionId });
    return {};
  },

  async deleteSession({ sql, by, principal, params, rightsChanged }) {
    const { userId } = principal;
    const { sessionId } = params;
    const action = sessionId === sessionIdOf(principal) ? "signed_out" : "session_ended";
    if (!(await endSession(sql, { userId, sessionId }, { by, action }))) {
      throw new ScriptoriumError("not_found", "You have no such session, or it has ended");
    }
    rightsChanged({ sessionId });
    return {};
  },

  async getMe({ sql, principal }) {
    return { body: await showMe(sql, principal) };
  },

  async updateMe({ sql, principal, body }) {
    await renameUser(sql, principal.userId, body.name);
    return { body: await showMe(sql, principal) };
  },
} satisfies Handlers;
