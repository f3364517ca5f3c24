import { z } from "zod";
import { DOCUMENT_TYPES } from "../closed-sets.ts";
import { Id, NextCursor, PageQuery } from "./common.ts";
import { route } from "./contract.ts";

/** What somebody types or pastes to be looked for: unlike in a name, marks of direction stand in it harmlessly. */
const Query = z
  .string()
  .trim()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/u, "must not hold control characters")
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode");

/** A piece of text that matches, or stands between what does. Plain text: whoever shows it in HTML escapes it. */
const SnippetPart = z
  .object({ text: z.string(), isMatch: z.boolean() })
  .meta({ id: "SnippetPart" });

/** A document that was found. */
const SearchResult = z
  .object({
    documentId: Id,
    organizationId: Id,
    projectId: Id,
    type: z.enum(DOCUMENT_TYPES),
    title: z.array(SnippetPart).describe("the whole title, in parts"),
    slug: z.string(),
    snippet: z
      .array(SnippetPart)
      .describe("the words around what matches, at most a few dozen; empty for an empty document"),
    rank: z.number().describe("how well it fits; above 1 where the title does"),
  })
  .meta({ id: "SearchResult" });

/** Full-text search over documents. */
export const searchRoutes = {
  search: route({
    method: "get",
    path: "/search",
    tag: "Search",
    summary: "Find documents by their words",
    description:
      'Over everything that you may read, the best first; deleted documents never. English words are found in every form. `"exact phrase"`, `or` and `-without` work as people know them from the web; nothing that is typed is an error. All words have to stand in the title, or all in the text. New text can be found after about two seconds. A search that takes longer than three seconds is given up with `storage_unavailable`: search for something rarer, or in one project.',
    access: { who: "signed-in" },
    query: PageQuery.extend({
      q: Query.describe("words; 1 to 200 characters").meta({ example: "plan" }),
      projectId: Id.optional().describe("only of this project; one you cannot read has none"),
      type: z.enum(DOCUMENT_TYPES).optional(),
      limit: z.coerce.number<number>().int().min(1).max(50).default(20),
    }),
    answer: {
      status: 200,
      body: z.object({ results: z.array(SearchResult), nextCursor: NextCursor }),
    },
  }),
} as const;
