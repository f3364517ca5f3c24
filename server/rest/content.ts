import type { Commands } from "../../extensions/commands.ts";
import type { LiveDocuments } from "../../extensions/live-documents.ts";
import { presenceOf } from "../../extensions/presence.ts";
import type { ContentEdit } from "../../persistence/edit-content.ts";
import { namesOfParticipants } from "../../persistence/participants.ts";
import { readDocument } from "../../persistence/read-document.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import type { contentRoutes } from "../../schema/api/content.ts";
import { authorOf } from "./author.ts";
import { contentReply } from "./content-reply.ts";
import { createContentReader } from "./content-reader.ts";
import { FaultyRequest } from "./problem.ts";
import { renderKnown, SMALL_LENGTH } from "./render-known.ts";
import type { Call, Handlers } from "./serve.ts";

/** What the content of a document goes in and out through. */
export type ContentDoors = {
  readonly commands: Commands;
  readonly live: Pick<LiveDocuments, "connectionsOf">;
  /** For what somebody waits for. */
  readonly thread: Pick<UpkeepThread, "project" | "edit" | "render">;
};

/** The routes of `schema/api/content.ts`. */
export const contentHandlers = (doors: ContentDoors) =>
  ({
    ...readingHandlers(doors),
    ...writingHandlers(doors),

    async listPresence({ sql, params }) {
      await readDocument(sql, params.documentId);
      const present = presenceOf(doors.live.connectionsOf(params.documentId));
      const names = await namesOfParticipants(sql, present);
      const participants = present.map((one, index) => ({ ...one, name: names[index] ?? "" }));
      return { body: { participants } };
    },
  }) satisfies Handlers;

function readingHandlers({ thread }: Pick<ContentDoors, "thread">) {
  const readContent = createContentReader(thread);
  return {
    async getContent({ sql, params, query }) {
      const { documentId } = params;
      const { format } = query;
      const { content, projectedSeq, diagram } = await readContent(sql, documentId, SMALL_LENGTH);
      const known = { content, seq: projectedSeq, diagram };
      const stored = { documentId, version: null, format };
      const rendered = await renderKnown(thread, stored, known);
      const fields = { documentId, seq: rendered.seq, diagram: rendered.diagram };
      return { ...contentReply(fields, rendered, format), etag: String(rendered.seq) };
    },
  } satisfies Handlers;
}

const writingHandlers = ({ commands, thread }: Pick<ContentDoors, "commands" | "thread">) =>
  ({
    putContent: {
      async prepare(call) {
        const edit = editOf(call);
        const built = await thread.edit(edit);
        return async ({ sql: tx, params, principal, mustMatch, afterCommit }) => {
          const { documentId } = params;
          const { type } = await readDocument(tx, documentId);
          if (edit.diagram !== null && type !== "system_diagram") {
            const message = "is for a system_diagram only";
            throw new FaultyRequest([{ at: "body.diagram", message }]);
          }
          const result = await commands.perform(
            { tx, afterCommit },
            {
              address: { documentId, part: "content" },
              author: authorOf(principal),
              build: async () => built,
              check: (headSeq) => mustMatch(String(headSeq)),
            },
          );
          return { body: result, etag: String(result.seq) };
        };
      },
    },
  }) satisfies Handlers;

function editOf({
  params: { documentId },
  body,
  bodyText,
  mediaType,
}: Omit<Call<(typeof contentRoutes)["putContent"]>, "sql">): ContentEdit {
  const edit = { documentId, isNew: false };
  if (typeof body === "string") {
    const form = mediaType === "text/html" ? "html" : "markdown";
    return { ...edit, content: { form, text: body }, diagram: null };
  }
  // As it came: the thread reads it again, which spares this one the writing.
  const content = body.content === undefined ? null : ({ form: "json", text: bodyText } as const);
  return { ...edit, content, diagram: body.diagram ?? null };
}
