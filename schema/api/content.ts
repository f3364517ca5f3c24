import { z } from "zod";
import { Id } from "./common.ts";
import { route } from "./contract.ts";
import { ContentJson, DiagramSource } from "./documents.ts";

const OfDocument = z.object({ documentId: Id });

/** How content can be read. */
const CONTENT_FORMATS = ["json", "markdown", "html"] as const;
export type ContentFormat = (typeof CONTENT_FORMATS)[number];

/** Which form content is asked for in. */
export const ContentQuery = z.strictObject({
  format: z
    .enum(CONTENT_FORMATS)
    .default("json")
    .describe("`json`: Tiptap JSON and the diagram. `markdown` and `html`: the text alone"),
});

/** A position in a document's log. */
export const Seq = z.int().describe("a position in the document's log");

/** Content that stands for one position of the log. */
export const DocumentContent = z
  .object({
    documentId: Id,
    seq: Seq,
    content: ContentJson,
    diagram: z.string().nullable().describe("Mermaid source of a system diagram"),
  })
  .meta({ id: "DocumentContent" });

/** Somebody who has the document open. */
const Participant = z
  .object({
    userId: Id.describe("of an agent: the person it acts for"),
    agentId: Id.nullable(),
    name: z.string().describe("the agent's name, else the person's"),
    readOnly: z.boolean().describe("true when no socket of his can edit"),
    sessions: z
      .int()
      .describe("how many sockets he has it open on; 0: an agent that says it works here"),
    sectionId: z.string().nullable().describe("where an agent says it works; null: not said"),
  })
  .meta({ id: "Participant" });

/** Content in and out, and who has a document open. */
export const contentRoutes = {
  getContent: route({
    method: "get",
    path: "/documents/{documentId}/content",
    tag: "Content",
    summary: "A document's content, as it is committed",
    description:
      "Everything that was acknowledged before the request is in it. The ETag is the `seq` that it stands for. X-Document-Seq says it too. Markdown that is sent back unchanged changes nothing; it has no ids of blocks. HTML loses white space. Only what the document schema has is in it; X-Content-Dropped counts the rest.",
    access: { who: "right", right: "read", at: "document", in: "documentId" },
    params: OfDocument,
    query: ContentQuery,
    etag: true,
    readAt: "seq",
    counts: "dropped",
    answer: { status: 200, body: DocumentContent, text: ["text/markdown", "text/html"] },
    errors: ["document_quarantined", "restarting"],
  }),
  putContent: route({
    method: "put",
    path: "/documents/{documentId}/content",
    carriesContent: true,
    tag: "Content",
    summary: "Give a document other content",
    description:
      'A forward edit: blocks that are in both keep their ids, in the others only the words that differ are replaced (in a text with more than 1,000 differences all of it), and what people type meanwhile is merged with it. With `If-Match: "<seq>"` it is refused when anything was committed since; with `*` it is made on whatever is there. A diagram that is not given stays. Markdown and HTML replace the text only; of HTML, elements that the schema does not have are left out around their content, scripts and unsafe addresses whole. At most 4 MiB of body, 2,000,000 characters of Markdown or HTML, 5,000,000 characters and 500,000 nodes of JSON.',
    access: { who: "right", right: "edit", at: "document", in: "documentId" },
    params: OfDocument,
    body: z
      .strictObject({
        content: ContentJson.optional(),
        diagram: DiagramSource.optional().describe("for a system_diagram only"),
      })
      .refine(({ content, diagram }) => content !== undefined || diagram !== undefined, {
        message: "needs content, a diagram or both",
      }),
    textBody: ["text/markdown", "text/html"],
    ifMatch: "required",
    etag: true,
    example: {
      content: {
        type: "doc",
        content: [{ type: "paragraph", content: [{ type: "text", text: "Begin." }] }],
      },
    },
    answer: {
      status: 200,
      body: z.object({
        seq: Seq.describe("where in the log the change is"),
        changed: z.boolean().describe("false: it was the same already, and nothing was written"),
      }),
    },
    errors: ["bad_content", "document_quarantined"],
  }),
  listPresence: route({
    method: "get",
    path: "/documents/{documentId}/presence",
    tag: "Content",
    summary: "Who is in the document now",
    description:
      "The people and agents whose sockets have it open on the server that answers, by how they signed in, not by what their editors say, and the agents that said they work there. At most 1,000 with sockets.",
    access: { who: "right", right: "read", at: "document", in: "documentId" },
    params: OfDocument,
    answer: { status: 200, body: z.object({ participants: z.array(Participant) }) },
  }),
  announcePresence: route({
    method: "put",
    path: "/documents/{documentId}/presence",
    tag: "Content",
    summary: "Say that an agent works in the document",
    description:
      "For an agent's key. For half a minute, unless it says so again, people who have the document open see its name and where it works.",
    access: { who: "right", right: "suggest", at: "document", in: "documentId" },
    params: OfDocument,
    body: z.strictObject({
      sectionId: z
        .string()
        .max(64)
        .nullable()
        .default(null)
        .describe("the section in which it works"),
    }),
    example: { sectionId: null },
    answer: { status: 204 },
  }),
} as const;
