import { randomUUID } from "node:crypto";
import { notify, type Notice } from "../../persistence/notify.ts";
import type { Recipient } from "../../schema/inbox-key.ts";
import { useRest } from "./rest.ts";
import { createAgent, keyOf, signedIn } from "./roles.ts";

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
  const person = () => signedIn(sql, tenant, { member: "member" });

  async function agent() {
    const agentId = await createAgent(sql, tenant, "active");
    const key = await keyOf(sql, tenant, { agentId, role: "reviewer", scopes: ["docs:read"] });
    return { agentId, ...key };
  }

  return { rest, tenant, documentId, noticeFor, tell, person, agent };
}
