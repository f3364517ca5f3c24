import { z } from "zod";
import { VERSION_KINDS } from "../closed-sets.ts";
import { Id, Moment, Name, NextCursor, PageQuery } from "./common.ts";
import { ContentQuery, DocumentContent, Seq } from "./content.ts";
import { route } from "./contract.ts";

const OfDocument = z.object({ documentId: Id });

const VersionNumber = z.coerce
  .number()
  .int()
  .min(1)
  .max(2_147_483_647)
  .describe("counted per document: 1, 2, 3");

const at = (right: "read" | "edit") =>
  ({ who: "right", right, at: "document", in: "documentId" }) as const;

/** A point in a document's history, without its content. */
const Version = z
  .object({
    number: z.int(),
    kind: z.enum(VERSION_KINDS),
    name: z.string().nullable(),
    seq: Seq.describe("the log position that it captures"),
    createdAt: Moment,
    createdBy: Id.nullable().describe("null for an automatic one"),
  })
  .meta({ id: "Version" });

/** A version with what the document was then. */
const VersionContent = Version.extend(DocumentContent.shape).meta({ id: "VersionContent" });

/** Versions of a document: list, name, read. */
export const versionRoutes = {
  listVersions: route({
    method: "get",
    path: "/documents/{documentId}/versions",
    tag: "Versions",
    summary: "The versions of a document, the newest first",
    access: at("read"),
    params: OfDocument,
    query: PageQuery,
    answer: { status: 200, body: z.object({ versions: z.array(Version), nextCursor: NextCursor }) },
  }),
  createVersion: route({
    method: "post",
    path: "/documents/{documentId}/versions",
    tag: "Versions",
    summary: "Keep the document as it is now, under a name",
    description: "Captures what is committed; also when nothing changed since the last version.",
    access: at("edit"),
    params: OfDocument,
    body: z.strictObject({ name: Name }),
    idempotent: true,
    example: { name: "Before the meeting" },
    answer: { status: 201, body: Version },
    errors: ["document_quarantined"],
  }),
  getVersion: route({
    method: "get",
    path: "/documents/{documentId}/versions/{number}",
    tag: "Versions",
    summary: "What a document was",
    access: at("read"),
    params: OfDocument.extend({ number: VersionNumber }),
    query: ContentQuery,
    etag: true,
    counts: "dropped",
    answer: { status: 200, body: VersionContent, text: ["text/markdown", "text/html"] },
    errors: ["not_found", "restarting"],
  }),
} as const;
