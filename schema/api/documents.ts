import { z } from "zod";
import { DOCUMENT_TYPES } from "../closed-sets.ts";
import { Id, Moment, Name, NextCursor, PageQuery, RightName, Slug } from "./common.ts";
import { route } from "./contract.ts";

const InProject = z.object({ projectId: Id });
const OfDocument = z.object({ documentId: Id });

const DocumentTypeName = z.enum(DOCUMENT_TYPES);

/** A place among the others, as whoever lists them decides. */
const SortOrder = z.int().min(-2_147_483_648).max(2_147_483_647);

/** Tiptap JSON as it is sent: what does not fit the document schema is `bad_content`, with the place and the reason. */
export const ContentJson = z
  .record(z.string(), z.unknown())
  .describe(
    "Tiptap JSON, `{ type: doc, content: [...] }`: at most 5,000,000 characters, 500,000 nodes",
  )
  .meta({ id: "Content", example: { type: "doc", content: [{ type: "paragraph" }] } });

const MAX_DIAGRAM_LENGTH = 1_000_000;

/** Mermaid source of a system diagram. */
export const DiagramSource = z.string().max(MAX_DIAGRAM_LENGTH);

/** A document without its content. */
export const Document = z
  .object({
    id: Id,
    organizationId: Id,
    projectId: Id,
    featureId: Id.nullable(),
    type: DocumentTypeName,
    title: z.string(),
    slug: z.string().describe("unique among the project's documents of this type"),
    sortOrder: z.int(),
    createdBy: Id.nullable().describe("null when the account is gone"),
    createdAt: Moment,
    updatedAt: Moment.describe("of these fields or, a little later, of the content"),
    deletedAt: Moment.nullable(),
    rights: z.array(RightName).describe("what the caller may do here"),
  })
  .meta({ id: "Document" });

/** The orders that documents can be listed in; `-` turns one round. */
export const DOCUMENT_ORDERS = [
  "title",
  "-title",
  "createdAt",
  "-createdAt",
  "updatedAt",
  "-updatedAt",
  "sortOrder",
  "-sortOrder",
] as const;
export type DocumentOrder = (typeof DOCUMENT_ORDERS)[number];

const DocumentQuery = PageQuery.extend({
  type: DocumentTypeName.optional(),
  featureId: Id.optional(),
  deleted: z
    .enum(["true", "false"])
    .default("false")
    .describe("`true`: only deleted ones; takes the right to edit"),
  q: Name.optional().describe("how the title begins, whatever the case"),
  order: z
    .enum(DOCUMENT_ORDERS)
    .default("sortOrder")
    .describe(
      "equal ones by id. `updatedAt` moves while people type: such a list may show one twice",
    ),
});

const NewDocument = z
  .strictObject({
    title: Name,
    type: DocumentTypeName,
    slug: Slug.optional().describe("absent: made from the title, and made unique"),
    featureId: Id.nullable().optional().describe("a feature of the same project"),
    sortOrder: SortOrder.default(0),
    content: ContentJson.optional(),
    markdown: z.string().optional().describe("the content as Markdown, instead of `content`"),
    diagram: DiagramSource.optional().describe("Mermaid source, for a system_diagram only"),
  })
  .refine(({ content, markdown }) => content === undefined || markdown === undefined, {
    path: ["markdown"],
    message: "is given instead of content, not beside it",
  })
  .refine(({ diagram, type }) => diagram === undefined || type === "system_diagram", {
    path: ["diagram"],
    message: "is for a system_diagram only",
  });

const DocumentChange = z
  .strictObject({
    title: Name,
    slug: Slug,
    featureId: Id.nullable().describe("a feature of the project it is in, or moves to"),
    projectId: Id.describe("moves it: to a project of the same organization where you may edit"),
    sortOrder: SortOrder,
  })
  .partial();

const at = (right: "read" | "edit") =>
  ({ who: "right", right, at: "document", in: "documentId" }) as const;

/** Documents without their content: list, make, change, delete, restore. */
export const documentRoutes = {
  listDocuments: route({
    method: "get",
    path: "/projects/{projectId}/documents",
    tag: "Documents",
    summary: "The documents of a project",
    access: { who: "right", right: "read", at: "project", in: "projectId" },
    params: InProject,
    query: DocumentQuery,
    answer: {
      status: 200,
      body: z.object({ documents: z.array(Document), nextCursor: NextCursor }),
    },
  }),
  createDocument: route({
    method: "post",
    path: "/projects/{projectId}/documents",
    carriesContent: true,
    tag: "Documents",
    summary: "Make a document, with its first content if you like",
    description:
      "A slug that only a deleted document holds is free: the deleted one gets another. Markdown and HTML outside the document schema become text.",
    access: { who: "right", right: "edit", at: "project", in: "projectId" },
    params: InProject,
    body: NewDocument,
    idempotent: true,
    example: { type: "product_overview", title: "Plan", markdown: "# Plan\n\nBegin." },
    answer: { status: 201, body: Document },
    errors: ["conflict", "bad_content", "too_large"],
  }),
  getDocument: route({
    method: "get",
    path: "/documents/{documentId}",
    tag: "Documents",
    summary: "One document, without its content",
    access: at("read"),
    params: OfDocument,
    etag: true,
    answer: { status: 200, body: Document },
  }),
  updateDocument: route({
    method: "patch",
    path: "/documents/{documentId}",
    tag: "Documents",
    summary: "Rename or move a document",
    description:
      "Moved to another project without a `featureId`, it belongs to no feature; its slug is made unique there unless you give one. Sockets that are open on it are closed with 1012 and come back with their rights in the new project.",
    access: at("edit"),
    params: OfDocument,
    body: DocumentChange,
    etag: true,
    ifMatch: "optional",
    example: { title: "The plan" },
    answer: { status: 200, body: Document },
    errors: ["conflict", "not_found"],
  }),
  deleteDocument: route({
    method: "delete",
    path: "/documents/{documentId}",
    tag: "Documents",
    summary: "Delete a document; it can be restored",
    description:
      "Takes the right to edit, since whoever may edit can restore it too. Everything of it is kept. Sockets that are open on it are closed with 4404.",
    access: at("edit"),
    params: OfDocument,
    ifMatch: "optional",
    answer: { status: 204 },
  }),
  restoreDocument: route({
    method: "post",
    path: "/documents/{documentId}/restore",
    tag: "Documents",
    summary: "Bring a deleted document back",
    description:
      "It has its slug, unless a new document took it meanwhile. Restoring one that is there changes nothing.",
    access: at("edit"),
    params: OfDocument,
    answer: { status: 200, body: Document },
  }),
} as const;
