import { sectionHash, sectionsOf } from "../schema/sections.ts";
import { textSize } from "../schema/text-size.ts";
import type { SqlOrTransaction } from "./database.ts";
import { readCommitted } from "./render-stored.ts";

/** A section as the outline shows it, and as it is read. */
export type RenderedSection = {
  readonly sectionId: string | null;
  readonly level: number;
  readonly title: string;
  readonly hash: string;
  readonly characters: number;
  readonly words: number;
  /** A document of its own, as JSON text. */
  readonly json: string;
  readonly markdown: string;
};

/** The sections of a document at a position of its log. `dropped`: as in `Rendering`, of all of them. */
export type RenderedSections = {
  readonly seq: number;
  readonly dropped: number;
  readonly sections: readonly RenderedSection[];
};

/**
 * Writes every section of what is committed of a document, in both forms at once: whoever reads the outline reads
 * sections next, and to load the document takes longer than to write it.
 * @throws ScriptoriumError `document_not_found`, `document_quarantined`.
 */
export async function renderSections(
  sql: SqlOrTransaction,
  documentId: string,
): Promise<RenderedSections> {
  const { seq, content: stored } = await readCommitted(sql, documentId);
  const { fittingContent, plainText, renderMarkdown } = await import("../schema/content.ts");
  const { content, dropped } = fittingContent(stored ?? {});
  const sections = sectionsOf(content).map(({ blocks, ...named }) => {
    const document = { type: "doc", content: [...blocks] };
    return {
      ...named,
      hash: sectionHash({ blocks }),
      ...textSize(plainText(document)),
      json: JSON.stringify(document),
      markdown: renderMarkdown(document),
    };
  });
  return { seq, dropped, sections };
}
