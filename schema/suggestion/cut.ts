import type { JSONContent } from "@tiptap/core";
import * as Y from "yjs";

import { contentKey } from "../content-key.ts";
import { DIAGRAM } from "../document-schema.ts";
import { ScriptoriumError } from "../errors.ts";
import { planContent } from "../content-plan.ts";
import { yDocDiagram, yDocToContent } from "../yjs-content.ts";
import { type Draft, draftsOf, draftsOfDiagram, joined } from "./drafts.ts";
import type { Hunk } from "./hunk.ts";
import { describeBlock } from "./place.ts";

/** How finely to cut: each place by itself; all of one text together; everything together. */
type Fineness = "place" | "text" | "whole";

/** What a document is to be; null leaves that part as it is. Content must fit the schema. */
export type WantedDocument = {
  readonly content: JSONContent | null;
  readonly diagram: string | null;
};

/** A suggestion that has more is none that people can decide piece by piece. */
const MAX_HUNKS = 2000;

/**
 * Cuts what turns a document into this into hunks, in the order of the document.
 * The document is left as it was. Cut as finely as the hunks compose: all of them together, in any order, give
 * exactly the content; formats that overlap may need a whole text as one.
 *
 * @param state the document as one update: each attempt is made on a copy of its own.
 * @throws ScriptoriumError `too_large` for more than 2,000: making them takes a time that grows with their square.
 */
export function cutHunks(state: Uint8Array, wants: WantedDocument): Hunk[] {
  for (const fineness of ["place", "text"] as const) {
    const { hunks, wanted } = cut(state, wants, fineness);
    if (compose(state, hunks, wanted)) return hunks;
  }
  return cut(state, wants, "whole").hunks;
}

function cut(
  state: Uint8Array,
  wants: WantedDocument,
  fineness: Fineness,
): { hunks: Hunk[]; wanted: string } {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  const drafts = coarser(allDrafts(doc, wants), fineness);
  if (drafts.length > MAX_HUNKS) {
    throw new ScriptoriumError("too_large", `A suggestion has at most ${MAX_HUNKS} hunks`);
  }
  const described = drafts.map(describe);
  const updates: Uint8Array[] = [];
  // From the last to the first: what is before a change is still where it was.
  for (const { steps } of drafts.toReversed()) {
    updates.unshift(
      updateOf(doc, (transaction) => {
        for (const { perform } of steps.toReversed()) perform(transaction);
      }),
    );
  }
  const wanted = keyOf(doc);
  doc.destroy();
  return {
    hunks: described.map((each, index) => ({ ...each, update: updates[index] as Uint8Array })),
    wanted,
  };
}

function allDrafts(doc: Y.Doc, { content, diagram }: WantedDocument): Draft[] {
  const source = new Y.Doc().getText(DIAGRAM);
  if (diagram !== null) source.insert(0, diagram);
  return [
    ...(content === null ? [] : draftsOf(doc, planContent(doc, content))),
    ...(diagram === null ? [] : draftsOfDiagram(doc.getText(DIAGRAM), source)),
  ];
}

function describe({ steps, block, behind }: Draft): Omit<Hunk, "update"> {
  const near = block ?? behind;
  const id: unknown = near instanceof Y.XmlElement ? near.getAttribute("id") : null;
  return {
    parts: steps.map(({ part }) => part),
    block: block === null ? null : describeBlock(block),
    blockId: typeof id === "string" ? id : null,
  };
}

/** What a change writes, as a client of its own. */
function updateOf(doc: Y.Doc, change: (transaction: Y.Transaction) => void): Uint8Array {
  const updates: Uint8Array[] = [];
  const listen = (update: Uint8Array): unknown => updates.push(update);
  doc.clientID = newClientId();
  doc.on("update", listen);
  doc.transact(change);
  doc.off("update", listen);
  return Y.mergeUpdates(updates);
}

const newClientId = (): number => crypto.getRandomValues(new Uint32Array(1))[0] as number;

function coarser(drafts: readonly Draft[], fineness: Fineness): readonly Draft[] {
  if (fineness === "place" || drafts.length < 2) return drafts;
  if (fineness === "whole") return [joined(drafts)];
  const key = ({ steps }: Draft, index: number): unknown =>
    steps.find(({ text }) => text !== null)?.text ?? index;
  const grouped = Map.groupBy(
    drafts.map((draft, index) => ({ draft, key: key(draft, index) })),
    (each) => each.key,
  );
  return [...grouped.values()].map((each) => joined(each.map(({ draft }) => draft)));
}

const keyOf = (doc: Y.Doc): string =>
  `${yDocDiagram(doc) ?? ""}\n${contentKey(yDocToContent(doc))}`;

/** True when the hunks, each by itself and in another order, give what they are to give. */
function compose(state: Uint8Array, hunks: readonly Hunk[], wanted: string): boolean {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  // In one transaction, for the time that the end of one takes.
  const isWhole = doc.transact(() =>
    hunks.every(({ update }) => {
      Y.applyUpdate(doc, update);
      return doc.store.pendingStructs === null && doc.store.pendingDs === null;
    }),
  );
  const isSame = isWhole && keyOf(doc) === wanted;
  doc.destroy();
  return isSame;
}
