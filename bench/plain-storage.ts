import { randomUUID } from "node:crypto";
import type { Sql } from "postgres";
import type { Storage } from "./subject.ts";

/** Plain Hocuspocus: one row with the whole state for each document, any name and any token will do. */
export const openPlainStorage = (sql: Sql): Storage => ({
  prepare: async (documents) => ({
    token: "bench",
    names: Array.from({ length: documents }, () => `document:${randomUUID()}`),
  }),
  compact: async () => {},
  storedBytes: async (name) => {
    const [row] = await sql<{ content: number; onDisk: number }[]>`
      select octet_length(state) as content, pg_column_size(state) as "onDisk"
        from plain_documents where name = ${name}`;
    if (row === undefined) throw new Error(`${name} was not stored`);
    return { ...row, history: 0 };
  },
});
