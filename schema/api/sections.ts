import { z } from "zod";
import { Id } from "./common.ts";
import { Seq } from "./content.ts";
import { route } from "./contract.ts";
import { ContentJson } from "./documents.ts";

const OfDocument = z.object({ documentId: Id });

/** Names a section of a document. */
export const SectionId = z
  .string()
  .regex(/^[\w-]{1,64}$/u)
  .describe("the `id` of its first block, which is its heading");

/** How a section can be read. */
const SECTION_FORMATS = ["json", "markdown"] as const;

const OutlineEntry = z
  .object({
    sectionId: SectionId.nullable().describe(
      "the `id` of its first block; null where it has none of its own: then read the whole document",
    ),
    level: z.int().min(0).max(6).describe("of its heading; 0: what stands before the first one"),
    title: z.string().describe("its heading as plain text, at most 200 characters"),
    hash: z.string().describe("other as soon as it says anything else; ids do not count"),
    characters: z.int(),
    words: z.int(),
  })
  .meta({ id: "OutlineEntry" });

const SectionContent = OutlineEntry.omit({ characters: true, words: true })
  .extend({ seq: Seq.describe("the log position that it was read at"), content: ContentJson })
  .meta({ id: "SectionContent" });

const read = { who: "right", right: "read", at: "document", in: "documentId" } as const;

/** A document in sections, for those who read no more of it than they need. */
export const sectionRoutes = {
  getOutline: route({
    method: "get",
    path: "/documents/{documentId}/outline",
    tag: "Content",
    summary: "The sections of a document",
    description:
      "A heading begins a section, which reaches to the next heading of any level; what stands before the first heading is a section too. As committed, like the content. What was read before and has the same `hash` says the same.",
    access: read,
    params: OfDocument,
    etag: true,
    readAt: "seq",
    answer: {
      status: 200,
      body: z.object({
        seq: Seq.describe("the log position that it was read at"),
        sections: z.array(OutlineEntry),
      }),
    },
    errors: ["document_quarantined", "restarting"],
  }),
  getSection: route({
    method: "get",
    path: "/documents/{documentId}/sections/{sectionId}",
    tag: "Content",
    summary: "A section of a document",
    description:
      "Its heading and what stands below it, up to the next heading. Markdown that is sent back unchanged changes nothing; it has no ids of blocks. X-Content-Dropped counts in the whole document.",
    access: read,
    params: OfDocument.extend({ sectionId: SectionId }),
    query: z.strictObject({ format: z.enum(SECTION_FORMATS).default("json") }),
    etag: true,
    readAt: "seq",
    counts: "dropped",
    answer: { status: 200, body: SectionContent, text: ["text/markdown"] },
    errors: ["not_found", "document_quarantined", "restarting"],
  }),
} as const;
