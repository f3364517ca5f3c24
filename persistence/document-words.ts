import { createHash } from "node:crypto";
import { textPieces } from "../schema/text-pieces.ts";
import type { SqlOrTransaction } from "./database.ts";
import { toJsonb, withoutNul } from "./jsonb.ts";

/** The pieces of a document's words that are to be written, and how many there are in all. */
export type WordsChange = {
  readonly changed: readonly { readonly piece: number; readonly words: string }[];
  readonly count: number;
  readonly countBefore: number;
};

/** Compares a text with what the search has of the document. */
export async function compareWords(
  sql: SqlOrTransaction,
  documentId: string,
  text: string,
): Promise<WordsChange> {
  const pieces = textPieces(withoutNul(text));
  const stored = await sql<{ piece: number; digest: string }[]>`
    select piece, md5(words) as digest from document_words where document_id = ${documentId}`;
  const digests = new Map(stored.map(({ piece, digest }) => [piece, digest]));
  const changed = pieces
    .map((words, piece) => ({ piece, words }))
    .filter(({ piece, words }) => digests.get(piece) !== md5(words));
  return { changed, count: pieces.length, countBefore: stored.length };
}

const md5 = (words: string): string => createHash("md5").update(words).digest("hex");

/** Writes what has changed, and nothing else: PostgreSQL takes a second for the words of 5 MB. */
export async function writeWords(
  tx: SqlOrTransaction,
  documentId: string,
  { changed, count, countBefore }: WordsChange,
): Promise<void> {
  if (changed.length > 0) {
    await tx`
      insert into document_words (document_id, piece, words)
      select ${documentId}, w.piece, w.words
      from jsonb_to_recordset(${toJsonb(changed)}::text::jsonb) as w(piece int, words text) order by w.piece
      on conflict (document_id, piece) do update set words = excluded.words`;
  }
  if (countBefore > count) {
    await tx`delete from document_words where document_id = ${documentId} and piece >= ${count}`;
  }
}
