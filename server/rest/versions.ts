import {
  nameVersion,
  readVersion,
  versionPage,
  type VersionRow,
} from "../../persistence/named-versions.ts";
import { readDocument } from "../../persistence/read-document.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { withContent } from "./content-json.ts";
import { cut, pageOf } from "./page.ts";
import { renderKnown } from "./render-known.ts";
import type { Handlers } from "./serve.ts";

const shown = ({ number, kind, name, seq, createdAt, createdBy }: VersionRow) => ({
  number,
  kind,
  name,
  seq,
  createdAt,
  createdBy,
});

/** The routes of `schema/api/versions.ts`. */
export const versionHandlers = ({
  thread,
}: {
  readonly thread: Pick<UpkeepThread, "capture" | "render">;
}) =>
  ({
    async listVersions({ sql, params, query }) {
      await readDocument(sql, params.documentId);
      const page = pageOf("-number", query);
      const found = await versionPage(sql, params.documentId, page);
      const { rows, nextCursor } = cut("-number", page, found);
      return { body: { versions: rows.map(shown), nextCursor } };
    },

    createVersion: {
      async prepare({ params: { documentId } }) {
        const captured = await thread.capture(documentId);
        return async ({ sql, body: { name }, principal }) => {
          await readDocument(sql, documentId);
          const row = await nameVersion(sql, captured, { name, createdBy: principal.userId });
          const location = `/documents/${documentId}/versions/${row.number}`;
          return { body: shown(row), location };
        };
      },
    },

    async getVersion({ sql, params, query }) {
      const { documentId, number } = params;
      await readDocument(sql, documentId);
      const { content, diagram, ...row } = await readVersion(sql, documentId, number);
      const { format } = query;
      // A version never changes.
      const etag = String(number);
      if (format === "json") {
        return { json: withContent({ ...shown(row), documentId, diagram }, content), etag };
      }
      const known = { content, seq: row.seq };
      const { text } = await renderKnown(thread, { documentId, version: number, format }, known);
      return { text, type: `text/${format}` as const, etag };
    },
  }) satisfies Handlers;
