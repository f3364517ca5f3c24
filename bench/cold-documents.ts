import type { Sql } from "postgres";
import * as Y from "yjs";
import { FIRST_CLIENT_ID, firstText, proseUpdate } from "./content.ts";

/** A document that was written once and has not been opened since: prose, then keystrokes in its first paragraph. */
const PROSE_BYTES = 20_000;
const KEYSTROKES = 400;

/** Rows of one: under the 500 at which the server's own sweep would compact it before the script comes. */
export const ROWS_OF_A_COLD_DOCUMENT = KEYSTROKES + 1;

function recordRows(): { rows: Uint8Array[]; text: string } {
  const prose = proseUpdate(PROSE_BYTES);
  const document = new Y.Doc();
  Y.applyUpdate(document, prose);
  document.clientID = FIRST_CLIENT_ID;
  const rows = [prose];
  document.on("update", (update: Uint8Array) => rows.push(update));
  const paragraph = firstText(document);
  for (let index = 0; index < KEYSTROKES; index += 1) {
    paragraph.insert(index, String.fromCharCode(97 + (index % 26)));
  }
  const text = paragraph.toString();
  document.destroy();
  return { rows, text };
}

const COLD = recordRows();

/** Gives empty documents a log that nobody has compacted, as if it had been typed long ago and projected since. */
export async function fillColdDocuments(sql: Sql, ids: readonly string[]): Promise<void> {
  const [first, ...others] = ids;
  if (first === undefined) return;
  const rows = COLD.rows.map((update, index) => ({
    document_id: first,
    seq: index + 1,
    update_data: Buffer.from(update),
    batch_id: first,
  }));
  await sql.begin(async (tx) => {
    await tx`insert into yjs_updates ${tx(rows)}`;
    await tx`
      insert into yjs_updates (document_id, seq, update_data, batch_id)
      select other, seq, update_data, other
        from unnest(${others}::uuid[]) as other, yjs_updates where document_id = ${first}`;
    await tx`
      update yjs_documents set head_seq = ${rows.length}, projected_seq = ${rows.length}
       where part = 'content' and document_id = any(${[...ids]}::uuid[])`;
  });
}

/** True when the document still says what it was filled with. */
export const isWhole = (document: Y.Doc): boolean => firstText(document).toString() === COLD.text;
