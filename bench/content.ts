import * as Y from "yjs";
import { seededRandom } from "./statistics.ts";

/** Yjs client ids are 32-bit random numbers; these have the same length on the wire and are the same at both servers. */
export const FIRST_CLIENT_ID = 1_000_000_000;
const SKELETON_CLIENT_ID = FIRST_CLIENT_ID - 1;

const BLOCK_ID = "00000000-0000-4000-8000-00000000b10c";

function paragraph(id: string, text: string): Y.XmlElement {
  const element = new Y.XmlElement("paragraph");
  element.setAttribute("id", id);
  element.insert(0, [new Y.XmlText(text)]);
  return element;
}

/** One empty paragraph: what every client of a row types into. */
function createSkeleton(): Uint8Array {
  const document = new Y.Doc();
  document.clientID = SKELETON_CLIENT_ID;
  document.getXmlFragment("default").insert(0, [paragraph(BLOCK_ID, "")]);
  return Y.encodeStateAsUpdate(document);
}

export const SKELETON = createSkeleton();

/** The text of the first paragraph. */
export function firstText(document: Y.Doc): Y.XmlText {
  const element = document.getXmlFragment("default").get(0);
  const text = element instanceof Y.XmlElement ? element.get(0) : undefined;
  if (!(text instanceof Y.XmlText)) throw new Error("The document has no first paragraph");
  return text;
}

/** Records the update of every edit that `type` makes in a document that starts with {@link SKELETON}. */
export function recordUpdates(
  clientId: number,
  type: (text: Y.XmlText, document: Y.Doc) => void,
): Uint8Array[] {
  const document = new Y.Doc();
  Y.applyUpdate(document, SKELETON);
  document.clientID = clientId;
  const updates: Uint8Array[] = [];
  document.on("update", (update: Uint8Array) => updates.push(update));
  type(firstText(document), document);
  document.destroy();
  return updates;
}

/**
 * `count` one-character updates of one client, each after its own last character.
 * They depend on {@link SKELETON} and on one another only, so the same bytes can be sent to any document;
 * the character's clock is its index.
 */
export const typedUpdates = (clientId: number, count: number): Uint8Array[] =>
  recordUpdates(clientId, (text) => {
    for (let index = 0; index < count; index += 1) {
      text.insert(index, String.fromCharCode(97 + (index % 26)));
    }
  });

/** A document of about `bytes` of prose in paragraphs of 200 characters, as one update. */
export function proseUpdate(bytes: number): Uint8Array {
  const random = seededRandom(20);
  const document = new Y.Doc();
  document.clientID = SKELETON_CLIENT_ID;
  const word = (): string =>
    Array.from({ length: 2 + Math.floor(random() * 8) }, () =>
      String.fromCharCode(97 + Math.floor(random() ** 2 * 26)),
    ).join("");
  const sentence = (): string => {
    let text = word();
    while (text.length < 200) text += ` ${word()}`;
    return text;
  };
  const paragraphs = Array.from({ length: Math.ceil(bytes / 200) }, (_, index) =>
    paragraph(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`, sentence()),
  );
  document.getXmlFragment("default").insert(0, paragraphs);
  return Y.encodeStateAsUpdate(document);
}
