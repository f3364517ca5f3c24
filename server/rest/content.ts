import type { Commands } from "../../extensions/commands.ts";
import type { AgentPresence } from "../../extensions/agent-presence.ts";
import type { LiveDocuments } from "../../extensions/live-documents.ts";
import { presenceOf } from "../../extensions/presence.ts";
import type { ContentEdit } from "../../persistence/edit-content.ts";
import { namesOfParticipants } from "../../persistence/participants.ts";
import { readHeadSeq } from "../../persistence/content-state.ts";
import { readDocument } from "../../persistence/read-document.ts";
import type { UpkeepThread } from "../../persistence/upkeep-tasks.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import type { contentRoutes } from "../../schema/api/content.ts";
import { authorOf } from "./author.ts";
import { contentReply } from "./content-reply.ts";
import { FaultyRequest } from "./problem.ts";
import type { Renderings } from "./renderings.ts";
import type { Call, Handlers } from "./serve.ts";

/** What the content of a document goes in and out through. */
export type ContentDoors = {
  readonly commands: Commands;
  readonly live: Pick<LiveDocuments, "connectionsOf">;
  readonly agentPresence: AgentPresence;
  readonly renderings: Renderings;
  /** For what somebody waits for. */
  readonly thread: Pick<UpkeepThread, "edit">;
};

/** The routes of `schema/api/content.ts`. */
export const contentHandlers = (doors: ContentDoors) =>
  ({
    ...readingHandlers(doors),
    ...writingHandlers(doors),

    ...presenceHandlers(doors),
  }) satisfies Handlers;

const presenceHandlers = ({ live, agentPresence }: Pick<ContentDoors, "live" | "agentPresence">) =>
  ({
    async listPresence({ sql, params: { documentId } }) {
      await readDocument(sql, documentId);
      const open = presenceOf(live.connectionsOf(documentId)).map((one) => ({
        ...one,
        sectionId: null,
      }));
      const present = [...open, ...agentPresence.working(documentId)];
      const names = await namesOfParticipants(sql, present);
      const participants = present.map((one, index) => ({ ...one, name: names[index] ?? "" }));
      return { body: { participants } };
    },

    async announcePresence({ sql, params: { documentId }, principal, body: { sectionId } }) {
      await readDocument(sql, documentId);
      const { userId, agentId } = authorOf(principal);
      if (userId === null || agentId === null) {
        throw new ScriptoriumError("forbidden", "Only an agent says so: people open the document");
      }
      const [name] = await namesOfParticipants(sql, [{ userId, agentId }]);
      agentPresence.announce(documentId, { userId, agentId, name: name ?? "", sectionId });
      return {};
    },
  }) satisfies Handlers;

const readingHandlers = ({ renderings }: Pick<ContentDoors, "renderings">) =>
  ({
    async getContent({ sql, params: { documentId }, query: { format } }) {
      const headSeq = await readHeadSeq(sql, documentId);
      const rendered = await renderings.content({ documentId, version: null, format }, headSeq);
      const { seq, diagram } = rendered;
      const reply = contentReply({ documentId, seq, diagram }, rendered, format);
      return { ...reply, etag: String(seq), seq };
    },
  }) satisfies Handlers;

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
