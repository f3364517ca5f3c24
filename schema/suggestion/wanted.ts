import type { JSONContent } from "@tiptap/core";

import { ScriptoriumError } from "../errors.ts";
import { type Section, sectionsOf } from "../sections.ts";

/** What a suggestion wants of a document, section by section. Content is blocks that fit the schema. */
export type SectionChange =
  | { readonly op: "replace"; readonly sectionId: string; readonly content: readonly JSONContent[] }
  | { readonly op: "delete"; readonly sectionId: string }
  /** `after`: the section behind which it comes; null: before everything. */
  | {
      readonly op: "insert";
      readonly after: string | null;
      readonly content: readonly JSONContent[];
    }
  | { readonly op: "move"; readonly sectionId: string; readonly after: string | null };

/** The content as it is to be, and which of the changes a block of the old or new content belongs to. */
export type WantedContent = {
  readonly content: JSONContent;
  /** For each change: what its section says before; empty for an insertion. */
  readonly before: readonly (readonly JSONContent[])[];
  /** The index of the change that a block with one of these ids was touched by; null: of none. */
  readonly changeOf: (blockIds: readonly string[]) => number | null;
};

/**
 * What a document is to be when all these changes are done. Each section is named in the document as it is before.
 * @throws ScriptoriumError `section_not_found`; `bad_request` when two changes want different things of one section.
 */
export function wantedContent(base: JSONContent, changes: readonly SectionChange[]): WantedContent {
  const sections = sectionsOf(base);
  const changed = changedSections(sections, changes);
  const blocks = sections.flatMap((section) => [
    ...(kept(section, changes[changed.get(section.sectionId ?? "") ?? -1]) ?? []),
    ...(section.sectionId === null ? [] : placedAfter(sections, changes, section.sectionId)),
  ]);
  const content = [...placedAfter(sections, changes, null), ...blocks];
  const owners = ownersOf(sections, changes);
  return {
    // An empty document is not allowed by the schema.
    content: { type: "doc", content: content.length > 0 ? content : [{ type: "paragraph" }] },
    before: changes.map((change) =>
      change.op === "insert" ? [] : sectionIn(sections, change.sectionId).blocks,
    ),
    changeOf: (ids) => ids.map((id) => owners.get(id)).find((index) => index !== undefined) ?? null,
  };
}

/** Which change is made to a section, by its id. */
function changedSections(
  sections: readonly Section[],
  changes: readonly SectionChange[],
): ReadonlyMap<string, number> {
  const changed = new Map<string, number>();
  for (const [index, change] of changes.entries()) {
    if ("after" in change && change.after !== null) sectionIn(sections, change.after);
    if (change.op === "insert") continue;
    sectionIn(sections, change.sectionId);
    if (changed.has(change.sectionId)) {
      throw new ScriptoriumError("bad_request", `Section ${change.sectionId} is changed twice`);
    }
    changed.set(change.sectionId, index);
  }
  return changed;
}

/** What is put in, or moved, behind a section; null: before everything. */
const placedAfter = (
  sections: readonly Section[],
  changes: readonly SectionChange[],
  after: string | null,
): JSONContent[] =>
  changes.flatMap((change): readonly JSONContent[] => {
    if (change.op === "replace" || change.op === "delete" || change.after !== after) return [];
    return change.op === "insert" ? change.content : sectionIn(sections, change.sectionId).blocks;
  });

/** Which change a block belongs to: that of its section, or what comes behind it. */
function ownersOf(
  sections: readonly Section[],
  changes: readonly SectionChange[],
): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  for (const [index, change] of changes.entries()) {
    if (change.op === "insert") continue;
    for (const block of sectionIn(sections, change.sectionId).blocks) own(owners, block, index);
  }
  for (const [index, change] of changes.entries()) {
    if (change.op !== "insert" || change.after === null) continue;
    const last = sectionIn(sections, change.after).blocks.at(-1);
    if (last !== undefined) own(owners, last, index);
  }
  return owners;
}

/** The first that names a block has it. */
function own(owners: Map<string, number>, block: JSONContent, index: number): void {
  const id: unknown = block.attrs?.["id"];
  if (typeof id === "string" && !owners.has(id)) owners.set(id, index);
}

function kept(section: Section, change: SectionChange | undefined): readonly JSONContent[] | null {
  if (change === undefined) return section.blocks;
  return change.op === "replace" ? asSameSection(section, change.content) : null;
}

/** A section that begins as before, with a block of the same kind, keeps its id: Markdown has none. */
function asSameSection(
  { sectionId, blocks }: Section,
  [first, ...others]: readonly JSONContent[],
): readonly JSONContent[] {
  if (first === undefined) return [];
  const isSame = first.type === blocks[0]?.type && first.attrs?.["id"] === undefined;
  return [isSame ? { ...first, attrs: { ...first.attrs, id: sectionId } } : first, ...others];
}

function sectionIn(sections: readonly Section[], sectionId: string): Section {
  const found = sections.find((section) => section.sectionId === sectionId);
  if (found !== undefined) return found;
  throw new ScriptoriumError(
    "section_not_found",
    `There is no section ${sectionId} in the text that the suggestion was made on: read the outline again`,
  );
}
