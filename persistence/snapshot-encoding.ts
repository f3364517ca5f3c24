import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import * as Y from "yjs";
import { assertNever } from "../schema/errors.ts";
import type { SnapshotEncoding } from "../schema/tables/encodings.ts";

/** The whole document as one compressed state, `v2+zstd`. */
export const encodeSnapshot = (doc: Y.Doc): Uint8Array => compress(Y.encodeStateAsUpdateV2(doc));

/** zstd with a checksum: without one a flipped bit may unpack to another document, silently. */
export const compress = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

/** Applies a stored snapshot; an empty one is a document without a snapshot yet. Throws what Yjs or zstd throw. */
export function applySnapshot(
  doc: Y.Doc,
  state: Uint8Array,
  encoding: SnapshotEncoding,
  origin: unknown,
): void {
  if (state.length === 0) return;
  switch (encoding) {
    case "v1":
      return Y.applyUpdate(doc, state, origin);
    case "v2":
      return Y.applyUpdateV2(doc, state, origin);
    case "v2+zstd":
      return Y.applyUpdateV2(doc, zstdDecompressSync(state), origin);
    default:
      return assertNever(encoding);
  }
}
