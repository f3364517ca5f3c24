import { ScriptoriumError } from "./errors.ts";

/** `content` is the text of a document, `comments` its discussion: two Yjs documents, one row in `documents`. */
export const PARTS = ["content", "comments"] as const;
export type Part = (typeof PARTS)[number];

/** A Hocuspocus document name, `document:<uuid>` or `comments:<uuid>`; made only by {@link parseDocumentName} and {@link documentName}. */
export type DocumentName = string & { readonly __brand: "DocumentName" };

export type DocumentAddress = { name: DocumentName; documentId: string; part: Part };

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const NAME = new RegExp(`^(document|comments):(${UUID})$`, "u");
const ID = new RegExp(`^${UUID}$`, "u");

/** True for a lower-case uuid, the only form an id has here. */
export const isUuid = (text: string): boolean => ID.test(text);

/** True for a well-formed document name; nothing is asked about whether the document exists. */
export const isDocumentName = (text: string): text is DocumentName => NAME.test(text);

/**
 * Reads a document name. Lower case only, so that one document has one name.
 * @throws ScriptoriumError `bad_document_name` for anything else; the text itself is not repeated, it may be hostile.
 */
export function parseDocumentName(text: string): DocumentAddress {
  const match = NAME.exec(text);
  if (match === null) {
    throw new ScriptoriumError(
      "bad_document_name",
      "A document name is document:<uuid> or comments:<uuid>",
    );
  }
  const [, prefix, documentId] = match;
  return {
    name: text as DocumentName,
    documentId: documentId as string,
    part: prefix === "document" ? "content" : "comments",
  };
}

/** The name under which sockets open a part of a document. */
export const documentName = (documentId: string, part: Part): DocumentName =>
  `${part === "content" ? "document" : "comments"}:${documentId}` as DocumentName;
