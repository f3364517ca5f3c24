import {
  nameVersion,
  readVersionRow,
  versionPage,
  type VersionRow,
} from "../../persistence/named-versions.ts";
import { readDocument } from "../../persistence/read-document.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { contentReply } from "./content-reply.ts";
import { cut, pageOf } from "./page.ts";
import type { Renderings } from "./renderings.ts";
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
  renderings,
}: {
  readonly thread: Pick<UpkeepThread, "capture">;
  readonly renderings: Renderings;
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
        return async ({ sql, body: { name }, principal, by }) => {
          await readDocument(sql, documentId);
          const named = { name, createdBy: principal.userId };
          const row = await nameVersion(sql, captured, named, by);
          const location = `/documents/${documentId}/versions/${row.number}`;
          return { body: shown(row), location };
        };
      },
    },

    async getVersion({ sql, params, query }) {
      const { documentId, number } = params;
      await readDocument(sql, documentId);
      const row = await readVersionRow(sql, documentId, number);
      const { format } = query;
      const rendered = await renderings.content({ documentId, version: number, format }, row.seq);
      const fields = { ...shown(row), documentId, diagram: rendered.diagram };
      // A version never changes.
      return { ...contentReply(fields, rendered, format), etag: String(number) };
    },
  }) satisfies Handlers;
