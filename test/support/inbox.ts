import { randomUUID } from "node:crypto";
import { setMember } from "../../persistence/accounts.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import { notify, type Notice } from "../../persistence/notify.ts";
import type { Recipient } from "../../schema/inbox-key.ts";
import { useRest } from "./rest.ts";
import { createTenant } from "./tenant.ts";

/** A server, a document of its tenant, and people and agents who can be told something of it. */
export async function useInbox() {
  const { rest, tenant } = await useRest();
  const { sql } = rest;
  const { documentId } = await tenant.document({ title: "Plan" });

  const noticeFor = (recipient: Recipient, fields: Partial<Notice> = {}): Notice => ({
    recipient,
    projectId: tenant.projectId,
    type: "mention",
    title: "A test",
    body: null,
    entityType: "document",
    entityId: documentId,
    metadata: { documentId },
    onceKey: randomUUID(),
    ...fields,
  });

  const tell = (...notices: Notice[]) => sql.begin((tx) => notify(tx, notices));

  /** Somebody new in the organization, with a session. */
  async function person(): Promise<{ userId: string; token: string }> {
    const other = await createTenant(sql);
    const { organizationId } = tenant;
    await setMember(sql, { organizationId, userId: other.userId, role: "member" }, SCRIPT);
    return other;
  }

  async function agent() {
    const admin = rest.client(tenant.token);
    const code = `a-${randomUUID()}`;
    const { body } = await admin.createProjectAgent({
      params: { projectId: tenant.projectId },
      body: { agentCode: code, name: code, roleTitle: "Writer" },
    });
    const { body: key } = await admin.createProjectKey({
      params: { projectId: tenant.projectId },
      body: { name: "K", role: "reviewer", scopes: ["docs:read"], agentId: body.id },
    });
    return { agentId: body.id, keyId: key.id, token: key.token ?? "" };
  }

  return { rest, tenant, documentId, noticeFor, tell, person, agent };
}
