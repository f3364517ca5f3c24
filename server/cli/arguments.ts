import { InvalidArgumentError, Option } from "commander";
import { ScriptoriumError } from "../../schema/errors.ts";
import { isUuid, parseDocumentName } from "../../schema/ids.ts";
import { SCOPES, type Scope } from "../../schema/roles.ts";
import { DOCUMENT_TYPES } from "../../schema/closed-sets.ts";

/** Two slugs: a project inside its organization. */
export type ProjectSlugs = { readonly organization: string; readonly project: string };

const SLUG = /^[a-z0-9]+(?:[-_.][a-z0-9]+)*$/u;
const MAX_SLUG = 100;

const SLUG_RULE = `A slug is up to ${MAX_SLUG} lower-case letters and digits with - _ . between them.`;

/** True for lower-case letters and digits with a single `-`, `_` or `.` between them. */
export const isSlug = (text: string): boolean => SLUG.test(text) && text.length <= MAX_SLUG;

/** Reads the slug of something new. */
export function parseSlug(text: string): string {
  if (isSlug(text)) return text;
  throw new InvalidArgumentError(SLUG_RULE);
}

/** The same outside the command line's own parsing. @throws ScriptoriumError `bad_request`. */
export function requireSlug(text: string): string {
  if (isSlug(text)) return text;
  throw new ScriptoriumError("bad_request", `${JSON.stringify(text)} is no slug. ${SLUG_RULE}`);
}

/** Reads `organization/project`. The slugs only have to be there: another program may have made them. */
function parseProject(text: string): ProjectSlugs {
  const [organization = "", project = "", ...rest] = text.split("/");
  if (organization !== "" && project !== "" && rest.length === 0) return { organization, project };
  throw new InvalidArgumentError("A project is named organization/project, by their slugs.");
}

/** Reads a mail address, loosely; written in lower case, so that one person is one user. */
export function parseEmail(text: string): string {
  if (/^[^\s@]+@[^\s@]+$/u.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("A mail address has an @.");
}

/** Reads a document id: the uuid, or the name sockets open it under. */
export function parseDocumentId(text: string): string {
  const id = text.toLowerCase();
  if (isUuid(id)) return id;
  try {
    return parseDocumentName(id).documentId;
  } catch {
    throw new InvalidArgumentError("A document id is a uuid.");
  }
}

/** The same for an option that may be given several times. */
export const collectDocumentIds = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  parseDocumentId(text),
];

/** @throws ScriptoriumError `document_not_found` for the first of the wanted documents that was not found. */
export function requireAll(
  wanted: readonly string[] | null,
  heads: readonly { readonly documentId: string }[],
): void {
  const missing = wanted?.find((id) => !heads.some(({ documentId }) => documentId === id));
  if (missing === undefined) return;
  throw new ScriptoriumError("document_not_found", `No document ${missing}`);
}

/** Reads a whole number from 1 to `most`. */
export const parseCount =
  (most: number) =>
  (text: string): number => {
    const count = Number(text);
    if (/^\d+$/u.test(text) && count >= 1 && count <= most) return count;
    throw new InvalidArgumentError(`A whole number from 1 to ${most} is needed.`);
  };

/** Ten years: longer than any key or session should live. */
export const parseDays = parseCount(3650);

/** Reads scopes with commas between them. */
export function parseScopes(text: string): Scope[] {
  const names = text.split(",").map((name) => name.trim());
  return names.map((name) => {
    const scope = SCOPES.find((known) => known === name);
    if (scope !== undefined) return scope;
    throw new InvalidArgumentError(`Scopes are ${SCOPES.join(", ")}, with commas between them.`);
  });
}

/** `--project organization/project`. */
export const projectOption = (description: string): Option =>
  new Option("--project <organization/project>", description).argParser(parseProject);

/** `--type`, which every new document needs. */
export const typeOption = (): Option =>
  new Option("--type <type>", "what kind of document")
    .choices(DOCUMENT_TYPES)
    .makeOptionMandatory();
