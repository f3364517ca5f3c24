import { readHeadSeq } from "../../persistence/content-state.ts";
import { ScriptoriumError } from "../../schema/errors.ts";
import { contentReply } from "./content-reply.ts";
import type { Renderings } from "./renderings.ts";
import type { Handlers } from "./serve.ts";

/** The routes of `schema/api/sections.ts`. */
export const sectionHandlers = ({ renderings }: { readonly renderings: Renderings }) =>
  ({
    async getOutline({ sql, params: { documentId } }) {
      const headSeq = await readHeadSeq(sql, documentId);
      const { seq, sections } = await renderings.sections(documentId, headSeq);
      const outline = sections.map(({ json: _json, markdown: _markdown, ...entry }) => entry);
      return { body: { seq, sections: outline }, etag: String(seq), seq };
    },

    async getSection({ sql, params: { documentId, sectionId }, query: { format } }) {
      const headSeq = await readHeadSeq(sql, documentId);
      const { seq, sections, dropped } = await renderings.sections(documentId, headSeq);
      const section = sections.find((each) => each.sectionId === sectionId);
      if (section === undefined) {
        throw new ScriptoriumError("not_found", "There is no such section; read the outline again");
      }
      const { level, title, hash, json, markdown } = section;
      const text = format === "json" ? json : markdown;
      const reply = contentReply({ seq, sectionId, level, title, hash }, { text, dropped }, format);
      return { ...reply, etag: String(seq), seq };
    },
  }) satisfies Handlers;
