import { randomUUID } from "node:crypto";
import { afterAll } from "vitest";
import {
  createOrganization,
  createProject,
  createSession,
  createUser,
  setMember,
} from "../../persistence/accounts.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import type { Sql } from "../../persistence/database.ts";
import { createDocument, type NewDocument } from "../../persistence/documents.ts";
import { documentName, type DocumentName } from "../../schema/ids.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

/** An organization with one admin who is signed in, and a project. */
export type Tenant = {
  readonly organizationId: string;
  readonly projectId: string;
  readonly userId: string;
  readonly token: string;
  /** Makes a document and answers its id and the name sockets open it under. */
  document(fields?: Partial<NewDocument>): Promise<{ documentId: string; name: DocumentName }>;
};

export async function createTenant(sql: Sql): Promise<Tenant> {
  const unique = randomUUID();
  const organizationId = await createOrganization(sql, { name: "Test", slug: unique });
  const userId = await createUser(sql, { email: `${unique}@example.com`, name: "Test" });
  await setMember(sql, { organizationId, userId, role: "admin" }, SCRIPT);
  const projectId = await createProject(sql, { organizationId, name: "Test", slug: "test" });
  const { token } = await createSession(
    sql,
    { userId, expiresAt: new Date(Date.now() + 86_400_000) },
    SCRIPT,
  );
  return {
    organizationId,
    projectId,
    userId,
    token,
    document: async (fields = {}) => {
      const documentId = await createDocument(sql, {
        projectId,
        type: "feature_requirements",
        title: "Test",
        slug: randomUUID(),
        createdBy: userId,
        content: null,
        diagramSource: null,
        ...fields,
      });
      return { documentId, name: documentName(documentId, "content") };
    },
  };
}

/** A database for this file with one tenant in it; dropped after its last test. */
export async function useTenant(): Promise<{ database: TestDatabase; tenant: Tenant }> {
  const database = await createTestDatabase();
  afterAll(() => database.close());
  return { database, tenant: await createTenant(database.sql) };
}
