import * as Y from "yjs";
import { FRAGMENT } from "../../schema/document-schema.ts";

/** Writes a paragraph of its own below the text: an edit that can be told from what typists write. */
export function writeNote(doc: Y.Doc, note: string): void {
  const paragraph = new Y.XmlElement("paragraph");
  paragraph.insert(0, [new Y.XmlText(note)]);
  doc.getXmlFragment(FRAGMENT).push([paragraph]);
}

/** The notes of everybody, in the order in which they stand. */
export const notesOf = (doc: Y.Doc): string[] =>
  doc
    .getXmlFragment(FRAGMENT)
    .toArray()
    .map((paragraph) => {
      const text = paragraph instanceof Y.XmlElement ? paragraph.get(0) : null;
      return text instanceof Y.XmlText ? text.toJSON() : "";
    });
