/** How a Yjs snapshot is written: update v1, v2, or v2 compressed with zstd (FIELD-NOTES 18a: 311 kB, 160 kB, 68 kB for one text). */
export const SNAPSHOT_ENCODINGS = ["v1", "v2", "v2+zstd"] as const;
export type SnapshotEncoding = (typeof SNAPSHOT_ENCODINGS)[number];

/** How a chunk of `yjs_history` is written: the removed rows packed column by column, compressed with zstd. */
export const HISTORY_ENCODINGS = ["columns+zstd"] as const;
export type HistoryEncoding = (typeof HISTORY_ENCODINGS)[number];

/** What a repair sets aside: an update or a snapshot that cannot be used; a row that is not there; one where none belongs. */
export const SET_ASIDE_KINDS = ["update", "snapshot", "missing", "stray"] as const;
export type SetAsideKind = (typeof SET_ASIDE_KINDS)[number];
