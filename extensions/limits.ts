/** What somebody can run into at the doors; the label of the metric that counts it. */
export const LIMITS = [
  "origin",
  "connections_per_address",
  "not_signed_in_per_address",
  "sockets_per_principal",
  "documents_per_socket",
  "sockets_per_document",
  "sign_in_in_time",
  "bytes_before_sign_in",
  "frames_per_second",
  "updates_busy",
  "asking_per_second",
  "awareness",
  "slow_reader",
  "requests_per_second",
  "requests_at_once",
  "inbox_streams",
] as const;

/** One of them. */
export type Limit = (typeof LIMITS)[number];

/** Told whenever somebody runs into one. */
export type OnLimit = (limit: Limit) => void;
