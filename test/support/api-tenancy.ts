import { randomBytes, randomUUID } from "node:crypto";
import {
  createOrganization,
  createProject,
  createUser,
  setCollaborator,
  setMember,
} from "../../persistence/accounts.ts";
import { SCRIPT } from "../../persistence/activities.ts";
import type { SqlOrTransaction } from "../../persistence/database.ts";
import { createDocument } from "../../persistence/documents.ts";
import { suggestBy } from "./suggested.ts";
import { beginThread } from "./threads.ts";

/** One row of each kind that the API knows, in one tenant. */
export type Tenancy = {
  readonly organizationId: string;
  readonly organizationSlug: string;
  readonly projectId: string;
  readonly otherProjectId: string;
  readonly featureId: string;
  /** Another feature, at the top of the tree as well. */
  readonly parentFeatureId: string;
  readonly documentId: string;
  readonly documentSlug: string;
  /** Of the document's only section. */
  readonly sectionId: string;
  /** A thread beside the document, and a reply in it. */
  readonly threadId: string;
  readonly commentId: string;
  /** A suggestion for the document by the organization's agent, and what it holds; another by the project's. */
  readonly suggestionId: string;
  readonly hunkId: string;
  readonly diffId: string;
  readonly otherSuggestionId: string;
  readonly otherDocumentId: string;
  readonly otherDocumentSlug: string;
  /** Of the organization, and of the project. */
  readonly agentId: string;
  readonly projectAgentId: string;
  readonly keyId: string;
  readonly projectKeyId: string;
  /** Its admin, who made everything and calls nothing. */
  readonly founderId: string;
  /** A member who is no admin, and a guest of the project. */
  readonly memberId: string;
  readonly guestId: string;
  /** Of a user who has no part in it, to be invited. */
  readonly strangerEmail: string;
  /** The number of a version that the document has. */
  readonly versionNumber: number;
};

/** Numbers its documents' versions so that no other tenant has the same. */
let lastVersionNumber = 100;

/** Makes a tenant with all of it. */
export async function createTenancy(tx: SqlOrTransaction): Promise<Tenancy> {
  const organizationSlug = `o-${randomUUID()}`;
  const strangerEmail = `stranger-${randomUUID()}@example.com`;
  const [organizationId, , ...people] = await Promise.all([
    createOrganization(tx, { name: "Tenancy", slug: organizationSlug }),
    createUser(tx, { email: strangerEmail, name: "stranger" }),
    ...["founder", "member", "guest"].map((name) =>
      createUser(tx, { email: `${name}-${randomUUID()}@example.com`, name }),
    ),
  ]);
  const [founderId = "", memberId = "", guestId = ""] = people;
  const [projectId, otherProjectId] = await Promise.all([
    createProject(tx, { organizationId, name: "Project", slug: "project" }),
    createProject(tx, { organizationId, name: "Other", slug: "other" }),
    setMember(tx, { organizationId, userId: founderId, role: "admin" }, SCRIPT),
    setMember(tx, { organizationId, userId: memberId, role: "member" }, SCRIPT),
  ]);
  await setCollaborator(tx, { projectId, userId: guestId, role: "viewer" }, SCRIPT);
  const tenancy = { organizationId, organizationSlug, projectId, otherProjectId };
  const rows = await fill(tx, { organizationId, projectId, founderId });
  return { ...tenancy, founderId, memberId, guestId, strangerEmail, ...rows };
}

type Owner = Pick<Tenancy, "organizationId" | "projectId" | "founderId">;

async function fill(tx: SqlOrTransaction, owner: Owner) {
  const [documentSlug, otherDocumentSlug] = [`d-${randomUUID()}`, `d-${randomUUID()}`];
  const sectionId = randomUUID();
  const content = contentWith(sectionId);
  const [featureId, parentFeatureId, documentId, otherDocumentId, ...others] = await Promise.all([
    insertFeature(tx, owner),
    insertFeature(tx, owner),
    insertDocument(tx, owner, { slug: documentSlug, content }),
    insertDocument(tx, owner, { slug: otherDocumentSlug, content: contentWith(randomUUID()) }),
    insertAgent(tx, owner, null),
    insertAgent(tx, owner, owner.projectId),
    insertKey(tx, owner, null),
    insertKey(tx, owner, owner.projectId),
  ]);
  const [agentId, projectAgentId, keyId, projectKeyId] = others;
  lastVersionNumber += 1;
  const versionNumber = lastVersionNumber;
  await tx`
    insert into document_versions (document_id, version_number, seq, kind, name, content, created_by)
    select ${documentId}, number, 1, 'named', 'First', ${JSON.stringify(content)}::text::jsonb, ${owner.founderId}
    from unnest(array[${versionNumber}::int, ${versionNumber}::int + 100000]) as number`;
  const thread = await beginThread(tx, { documentId, userId: owner.founderId });
  // A list of them has a second page.
  await beginThread(tx, { documentId, userId: owner.founderId });
  const suggestions = await suggest(tx, owner, { documentId, agentIds: [agentId, projectAgentId] });
  const features = { featureId, parentFeatureId };
  const documents = { documentId, documentSlug, sectionId, otherDocumentId, otherDocumentSlug };
  return {
    ...features,
    ...documents,
    ...thread,
    ...suggestions,
    agentId,
    projectAgentId,
    keyId,
    projectKeyId,
    versionNumber,
  };
}

/** Two hunks each, beside the words that are there: so the lists of suggestions and of outcomes have a second page. */
async function suggest(
  tx: SqlOrTransaction,
  { founderId: userId }: Owner,
  { documentId, agentIds }: { documentId: string; agentIds: readonly string[] },
) {
  const wanted = { documentId, userId, markdown: "More Words here" };
  const [first, other] = await suggestBy(tx, agentIds, wanted);
  if (first === undefined || other === undefined) throw new Error("nothing was suggested");
  return { ...first, otherSuggestionId: other.suggestionId };
}

/** What the documents hold. */
const contentWith = (id: string) => ({
  type: "doc",
  content: [{ type: "paragraph", attrs: { id }, content: [{ type: "text", text: "Words" }] }],
});

const insertDocument = (
  tx: SqlOrTransaction,
  { projectId, founderId }: Owner,
  { slug, content }: { slug: string; content: ReturnType<typeof contentWith> },
) =>
  createDocument(tx, {
    projectId,
    type: "feature_requirements",
    title: "Document",
    slug,
    createdBy: founderId,
    content,
    diagramSource: null,
  });

const insertFeature = (tx: SqlOrTransaction, { projectId }: Owner): Promise<string> =>
  idOf(tx`
    insert into features (project_id, name, slug) values (${projectId}, 'Feature', ${randomUUID()}) returning id`);

/** Makes an agent; `projectId` null: one of the whole organization. */
export const insertAgent = (
  tx: SqlOrTransaction,
  { organizationId }: Pick<Owner, "organizationId">,
  projectId: string | null,
  status = "active",
): Promise<string> =>
  idOf(tx`
    insert into agents (organization_id, project_id, agent_level, agent_code, name, role_title, status)
    values (${organizationId}, ${projectId}, ${projectId === null ? "organization" : "project"}, ${randomUUID()},
            ${randomUUID()}, 'Writer', ${status}) returning id`);

/** A key to be listed and revoked: nobody holds its secret, so it needs no true hash. */
export const insertKey = (
  tx: SqlOrTransaction,
  { organizationId, founderId }: Pick<Owner, "organizationId" | "founderId">,
  projectId: string | null,
): Promise<string> =>
  idOf(tx`
    insert into api_keys (organization_id, project_id, user_id, name, key_prefix, key_hash, scopes, role)
    values (${organizationId}, ${projectId}, ${founderId}, 'A key', ${`sk${randomBytes(5).toString("hex")}`},
            'no hash', '{docs:read}', 'viewer') returning id`);

async function idOf(statement: PromiseLike<readonly object[]>): Promise<string> {
  const [row] = await statement;
  const id = row !== undefined && "id" in row ? row.id : null;
  if (typeof id !== "string") throw new Error("nothing was inserted");
  return id;
}
