import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from "@modelcontextprotocol/sdk/types.js";
import type { AnswerOf } from "../../schema/api/contract.ts";
import type { Problem } from "../../schema/api/common.ts";
import { api, type Api } from "../../schema/api/index.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { isUuid } from "../../schema/ids.ts";
import type { RouteCall, RouteParts } from "./route-call.ts";

const PREFIX = "scriptorium://documents/";
const mimeType = "text/markdown";

/** Documents as resources. */
export const DOCUMENT_TEMPLATES: ListResourceTemplatesResult = {
  resourceTemplates: [
    {
      name: "document",
      title: "A document",
      description: "The text of a document as Markdown, as it is committed",
      uriTemplate: `${PREFIX}{documentId}`,
      mimeType,
    },
  ],
};

/** A page has the documents of this many projects at most: an organization may have thousands of empty ones. */
const PROJECTS_OF_A_PAGE = 20;

/** … and ends with the project in which it comes to this many documents. */
const ENOUGH = 50;

/** Where the next page begins: the project's own cursor in the list of projects, and that in its documents. */
type Place = { readonly project: string | undefined; readonly document: string | undefined };

/** The documents of the projects that the caller may see, project by project. @throws Refused, ScriptoriumError `bad_request` for a cursor that is none. */
export async function listDocumentResources(
  call: RouteCall,
  cursor: string | undefined,
): Promise<ListResourcesResult> {
  const resources: ListResourcesResult["resources"] = [];
  let place: Place | null = cursor === undefined ? START : readCursor(cursor);
  for (let step = 0; step < PROJECTS_OF_A_PAGE && place !== null; step += 1) {
    const found: { documents: Documents; next: Place | null } = await documentsAt(call, place);
    resources.push(...found.documents.map(resourceOf));
    place = found.next;
    if (resources.length >= ENOUGH) break;
  }
  return { resources, ...(place !== null && { nextCursor: writeCursor(place) }) };
}

const START: Place = { project: undefined, document: undefined };

type Documents = AnswerOf<Api["listDocuments"]>["documents"];

async function documentsAt(
  call: RouteCall,
  { project, document }: Place,
): Promise<{ documents: Documents; next: Place | null }> {
  const query = { limit: 1, cursor: project };
  const { projects, nextCursor } = await ask(call, "listProjects", { query });
  const [first] = projects;
  if (first === undefined) return { documents: [], next: null };
  const page = await ask(call, "listDocuments", {
    params: { projectId: first.id },
    query: { limit: ENOUGH, cursor: document },
  });
  const after = nextCursor === null ? null : { project: nextCursor, document: undefined };
  const next = page.nextCursor === null ? after : { project, document: page.nextCursor };
  return { documents: page.documents, next };
}

const resourceOf = ({ id, slug, title, updatedAt }: Documents[number]) => ({
  uri: PREFIX + id,
  name: slug,
  title,
  mimeType,
  annotations: { lastModified: updatedAt },
});

/** @throws Refused, ScriptoriumError `document_not_found`. */
export async function readDocumentResource(
  call: RouteCall,
  uri: string,
): Promise<ReadResourceResult> {
  const documentId = uri.startsWith(PREFIX) ? uri.slice(PREFIX.length) : "";
  if (!isUuid(documentId)) {
    throw new ScriptoriumError("document_not_found", `Documents are ${PREFIX}<id>`);
  }
  const parts = { params: { documentId }, query: { format: "markdown" } };
  const response = await accepted(call(api.getContent, parts));
  return { contents: [{ uri, mimeType, text: await response.text() }] };
}

/** A route said no: its problem document. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

async function ask<N extends "listProjects" | "listDocuments">(
  call: RouteCall,
  name: N,
  parts: RouteParts,
): Promise<AnswerOf<Api[N]>> {
  const response = await accepted(call(api[name], parts));
  return (await response.json()) as AnswerOf<Api[N]>;
}

async function accepted(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  if (!response.ok) throw new Refused((await response.json()) as Problem);
  return response;
}

const writeCursor = ({ project, document }: Place): string =>
  Buffer.from(JSON.stringify([project ?? null, document ?? null])).toString("base64url");

function readCursor(cursor: string): Place {
  try {
    const [project, document] = JSON.parse(
      Buffer.from(cursor, "base64url").toString(),
    ) as unknown[];
    return { project: textOf(project), document: textOf(document) };
  } catch (cause) {
    throw new ScriptoriumError("bad_request", "The cursor is not one of this list", { cause });
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;
