import { zstdDecompressSync } from "node:zlib";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { Author, DocumentBatch } from "./append-updates.ts";
import type { SqlOrTransaction } from "./database.ts";
import { compress } from "./snapshot-encoding.ts";

/** One row of the log as it was: its bytes, who wrote it and when (ms since 1970, UTC). */
export type LoggedUpdate = {
  readonly seq: number;
  readonly update: Uint8Array;
  readonly author: Author;
  readonly createdAtMs: number;
};

/** The form of `yjs_history.updates`: columns, then zstd. Changes only with a new name, so that old chunks stay readable. */
export const HISTORY_ENCODING = "columns+zstd";

/**
 * Packs consecutive rows into one chunk. Columns before rows: lengths, authors and times of neighbours are alike,
 * so zstd finds more in them than between the bytes of the updates.
 */
export function packHistory(rows: readonly LoggedUpdate[]): Uint8Array {
  const authors: string[] = [];
  const lengths = new encoding.UintOptRleEncoder();
  const written = new encoding.UintOptRleEncoder();
  const times = new encoding.IntDiffOptRleEncoder();
  const startMs = rows[0]?.createdAtMs ?? 0;
  for (const { update, author, createdAtMs } of rows) {
    const key = `${author.userId ?? ""} ${author.agentId ?? ""}`;
    const known = authors.indexOf(key);
    lengths.write(update.length);
    written.write(known === -1 ? authors.push(key) - 1 : known);
    // Whole seconds after the first row: lib0's difference encoder holds 30 bits.
    times.write(Math.floor((createdAtMs - startMs) / 1000));
  }
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, rows.length);
  encoding.writeVarUint(encoder, rows[0]?.seq ?? 0);
  encoding.writeVarUint(encoder, Math.floor(startMs));
  encoding.writeVarString(encoder, authors.join("\n"));
  for (const column of [lengths, written, times]) {
    encoding.writeVarUint8Array(encoder, column.toUint8Array());
  }
  for (const { update } of rows) encoding.writeUint8Array(encoder, update);
  return compress(encoding.toUint8Array(encoder));
}

/** Reads a chunk back, in order of `seq`. Times are to the second. */
export function unpackHistory(chunk: Uint8Array): LoggedUpdate[] {
  const decoder = decoding.createDecoder(zstdDecompressSync(chunk));
  const count = decoding.readVarUint(decoder);
  const firstSeq = decoding.readVarUint(decoder);
  const startMs = decoding.readVarUint(decoder);
  const authors = decoding.readVarString(decoder).split("\n").map(parseAuthor);
  const lengths = new decoding.UintOptRleDecoder(decoding.readVarUint8Array(decoder));
  const written = new decoding.UintOptRleDecoder(decoding.readVarUint8Array(decoder));
  const times = new decoding.IntDiffOptRleDecoder(decoding.readVarUint8Array(decoder));
  return Array.from({ length: count }, (_, index) => ({
    seq: firstSeq + index,
    update: decoding.readUint8Array(decoder, lengths.read()),
    author: authors[written.read()] ?? { userId: null, agentId: null },
    createdAtMs: startMs + times.read() * 1000,
  }));
}

function parseAuthor(key: string): Author {
  const [userId = "", agentId = ""] = key.split(" ");
  return { userId: userId === "" ? null : userId, agentId: agentId === "" ? null : agentId };
}

/** True when an already compacted row holds this batch's first update: the batch was committed by a lost attempt. */
export async function historyHolds(
  sql: SqlOrTransaction,
  batch: Pick<DocumentBatch, "documentId" | "part" | "knownHeadSeq" | "rows">,
): Promise<boolean> {
  const chunks = await sql<{ updates: Uint8Array }[]>`
    select updates from yjs_history
    where document_id = ${batch.documentId} and part = ${batch.part} and last_seq > ${batch.knownHeadSeq}`;
  const [first] = batch.rows;
  return chunks.some(({ updates }) =>
    unpackHistory(updates).some(
      ({ seq, update }) =>
        seq > batch.knownHeadSeq &&
        first !== undefined &&
        Buffer.compare(update, first.update) === 0,
    ),
  );
}
