import { z } from "zod";
import { ERRORS, type ErrorCode } from "../errors.ts";
import { isUuid } from "../ids.ts";
import { RIGHTS, ROLES, SCOPES } from "../roles.ts";

/** An id: a lower-case uuid. A well-formed one that names nothing is 404, and so is anything else in a path. */
export const Id = z.string().refine(isUuid, "must be a lower-case uuid").meta({ format: "uuid" });

/** A point in time, UTC. */
export const Moment = z.iso.datetime().meta({ example: "2026-11-20T12:00:00.000Z" });

/**
 * A title or a name. It is shown in lists and logs: nothing that breaks a line there, C1 included, nor turns the
 * direction of what stands behind it (U+202A to U+202E, U+2066 to U+2069). A mark of direction is none of these.
 */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(
    // oxlint-disable-next-line no-control-regex -- they are what is refused
    /^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$/u,
    "must not hold characters that control lines or direction",
  )
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode");

/** A few sentences; lines may break. */
export const Prose = z
  .string()
  .trim()
  .max(2000)
  .regex(
    // oxlint-disable-next-line no-control-regex -- they are what is refused
    /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$/u,
    "must not hold characters that control lines or direction",
  )
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode");

/** The address of a person, in whatever case: he is found by it. */
export const Email = z.email().max(320).meta({ example: "ada@example.com" });

/** A filter that is on or off. Text, as it stands in an address. */
export const Flag = z.enum(["true", "false"]).default("false");

/** The part of an address that people read: `getting-started`. */
export const Slug = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$/u,
    "lower-case letters, digits and dashes, at most 100",
  )
  .meta({ example: "getting-started" });

/** What somebody may be in a project, what may be done there, and what a key may be used for. */
export const RoleName = z.enum(ROLES);
export const RightName = z.enum(RIGHTS);
export const ScopeName = z.enum(SCOPES);

/** Lists answer this many entries unless told otherwise, and never more than the second. */
const PAGE_LIMIT = 50;
const MAX_PAGE_LIMIT = 200;

/** What every list takes. */
export const PageQuery = z.strictObject({
  limit: z.coerce.number<number>().int().min(1).max(MAX_PAGE_LIMIT).default(PAGE_LIMIT),
  cursor: z
    .string()
    .max(1000)
    .optional()
    .describe("`nextCursor` of the page before; absent for the first page"),
});

/** Where the next page begins; null on the last. Opaque: its form may change. */
export const NextCursor = z.string().nullable();

/** One of the places that a quote could mean. */
export const AnchorCandidate = z
  .object({
    sectionId: z.string().nullable().describe("the `id` of the block it stands in"),
    before: z.string(),
    quote: z.string(),
    after: z.string(),
  })
  .meta({ id: "AnchorCandidate" });
export type AnchorCandidate = z.output<typeof AnchorCandidate>;

/** An RFC 9457 problem document: what every error answers, as `application/problem+json`. */
export const Problem = z
  .object({
    type: z.string().describe("`urn:scriptorium:problem:` and the code"),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
    detail: z.string().describe("a sentence for a person"),
    requestId: z.string().describe("names this request in the server's log"),
    errors: z
      .array(z.object({ at: z.string().describe("for example `body.title`"), message: z.string() }))
      .optional()
      .describe("what is wrong with the request, part by part"),
    candidates: z
      .array(AnchorCandidate)
      .optional()
      .describe("of `anchor_ambiguous`: the places that the quote could mean"),
  })
  .meta({ id: "Problem" });
export type Problem = z.output<typeof Problem>;
