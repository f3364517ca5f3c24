import type { JSONContent } from "@tiptap/core";
import type { z } from "zod";
import type { HunkRow, SuggestionRow } from "../../persistence/suggestions.ts";
import type { suggestionRoutes } from "../../schema/api/suggestions.ts";
import { fittingContent, plainText } from "../../schema/content.ts";
import {
  type HunkPart,
  kindOf,
  partsAfter,
  partsBefore,
  type PartSide,
} from "../../schema/suggestion/hunk.ts";
import type { HunkStanding } from "../../schema/suggestion/state.ts";
import type { Shown } from "./serve.ts";

type SuggestionBody = Shown<z.output<(typeof suggestionRoutes)["getSuggestion"]["answer"]["body"]>>;
type HunkBody = SuggestionBody["hunks"][number];
type ShownContent = HunkBody["before"] & { readonly text: string };

/** A suggestion as the contract has it. `standings`: of the hunks that wait. */
export function shownSuggestion(
  row: SuggestionRow,
  hunks: readonly HunkRow[],
  standings: Readonly<Record<string, HunkStanding>>,
): SuggestionBody {
  const { createdBy, agentId, authorName, ...suggestion } = row;
  return {
    ...suggestion,
    author: { userId: createdBy, agentId, name: authorName },
    hunks: hunks
      .filter(({ suggestionId }) => suggestionId === row.id)
      .map((hunk) => shownHunk(hunk, standings[hunk.id] ?? null)),
  };
}

function shownHunk(hunk: HunkRow, standing: HunkStanding | null): HunkBody {
  const { id, diffId, blockId, decision, reason, instead, decidedBy, decidedAt, acceptedSeq } =
    hunk;
  const isConflict = standing?.state === "conflict" && decision === "pending";
  return {
    id,
    diffId,
    kind: kindOf(hunk),
    blockId,
    before: shown(hunk.parts.map(partsBefore)),
    after: shown(hunk.parts.map(partsAfter)),
    state: decision === "pending" ? (standing?.state ?? null) : hunk.decidedState,
    theirs: isConflict ? shown(standing.theirs) : null,
    decision,
    reason,
    instead,
    decidedBy,
    decidedAt,
    acceptedSeq,
  };
}

/** Plain text of what a hunk takes, or brings. */
export const textOfParts = (parts: readonly HunkPart[], side: "before" | "after"): string =>
  shown(parts.map(side === "before" ? partsBefore : partsAfter)).text;

/** Nothing leaves that the document schema does not have: a hunk was made on what somebody's update may have put there. */
function shown(sides: readonly PartSide[]): ShownContent {
  const content = sides.flatMap((side): readonly JSONContent[] => {
    if (side.kind === "nodes") return side.nodes;
    if (side.kind === "attributes") return [];
    return side.runs.map(({ insert, attributes = {} }) => ({
      type: "text",
      text: insert,
      ...(Object.keys(attributes).length > 0 && { marks: marksOf(attributes) }),
    }));
  });
  const fitting = fittingContent({ type: "doc", content: [...content] }).content;
  const attributes = sides.flatMap((side) => (side.kind === "attributes" ? [side.attributes] : []));
  return {
    text: sides.every(({ kind }) => kind === "text")
      ? content.map(({ text = "" }) => text).join("")
      : plainText(fitting),
    content: fitting.content ?? [],
    attributes: attributes.length === 0 ? null : Object.assign({}, ...attributes),
  };
}

const marksOf = (attributes: Readonly<Record<string, unknown>>) =>
  Object.entries(attributes).map(([type, attrs]) => ({
    type,
    ...(typeof attrs === "object" && attrs !== null && { attrs: { ...attrs } }),
  }));
