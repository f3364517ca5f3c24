import type { JSONContent } from "@tiptap/core";
import { contentHash } from "./content-key.ts";
import { childrenOf, numberAttribute } from "./content-node.ts";
import { plainText } from "./content-text.ts";
import { isBlockId } from "./document-attributes.ts";

/** Characters of a title; a heading may have any number. */
const MAX_TITLE = 200;

/** A heading and what stands below it, up to the next heading of any level; or what stands before the first one. */
export type Section = {
  /**
   * The id of its first block. Null where that has none, or one that an earlier block of the document has: the section
   * cannot be asked for until the next write gives it one (`withBlockIds`).
   */
  readonly sectionId: string | null;
  /** Of its heading, 1 to 6; 0 before the first heading. */
  readonly level: number;
  /** Its heading as plain text on one line, of at most 200 characters; "" before the first heading. */
  readonly title: string;
  /** Its heading too. */
  readonly blocks: readonly JSONContent[];
};

/** The sections of a document, in its order: each of its top-level blocks is in one of them, none is empty. */
export function sectionsOf(content: JSONContent): Section[] {
  const sections: (Section & { blocks: JSONContent[] })[] = [];
  const seen = new Set<string>();
  for (const block of childrenOf(content)) {
    const id: unknown = block.attrs?.["id"];
    const sectionId = isBlockId(id) && !seen.has(id) ? id : null;
    if (sectionId !== null) seen.add(sectionId);
    const current = sections.at(-1);
    if (current !== undefined && block.type !== "heading") current.blocks.push(block);
    else sections.push({ sectionId, ...headingOf(block), blocks: [block] });
  }
  return sections;
}

function headingOf(block: JSONContent): Pick<Section, "level" | "title"> {
  if (block.type !== "heading") return { level: 0, title: "" };
  const level = numberAttribute(block, "level", { from: 1, to: 6, fallback: 1 });
  const words = plainText(block).replace(/\s+/gu, " ").trim();
  return { level, title: Array.from(words).slice(0, MAX_TITLE).join("") };
}

/** The same for sections that say the same, whatever ids their blocks have. Of content that fits the schema. */
export const sectionHash = ({ blocks }: Pick<Section, "blocks">): string => contentHash(blocks);
