import type { Sql } from "postgres";
import * as Y from "yjs";
import { loadDocument } from "../persistence/load-document.ts";
import { isWhole, ROWS_OF_A_COLD_DOCUMENT } from "./cold-documents.ts";
import { FIRST_CLIENT_ID, firstText } from "./content.ts";
import type { Acknowledged } from "./load-kill.ts";
import { documentIdOf } from "./our-storage.ts";

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/** Puts documents together from PostgreSQL alone, no server asked, and counts the acknowledged edits that are not there. */
export async function countLostEdits(
  sql: Sql,
  typed: readonly Acknowledged[],
  cold: readonly string[],
): Promise<number> {
  let lost = 0;
  for (const { name, characters } of typed) {
    lost += await withStored(sql, name, (document) => lostCharacters(document, characters));
  }
  for (const name of cold) {
    lost += await withStored(sql, name, (document) =>
      isWhole(document) ? 0 : ROWS_OF_A_COLD_DOCUMENT,
    );
  }
  return lost;
}

/** Nobody deletes: a character that has its clock but is not in the text is lost as well. */
function lostCharacters(document: Y.Doc, acknowledged: readonly number[]): number {
  const missing = acknowledged.map((count, index) =>
    Math.max(0, count - Y.getState(document.store, FIRST_CLIENT_ID + index)),
  );
  return Math.max(sum(missing), sum(acknowledged) - firstText(document).length);
}

async function withStored(
  sql: Sql,
  name: string,
  count: (document: Y.Doc) => number,
): Promise<number> {
  const document = new Y.Doc();
  const address = { documentId: documentIdOf(name), part: "content" as const };
  const { quarantine } = await loadDocument(sql, address, document);
  if (quarantine !== null) {
    throw new Error(`${name} is broken at ${quarantine.seq}: ${quarantine.reason}`);
  }
  const lost = count(document);
  document.destroy();
  return lost;
}
