import type { AnchorCandidate } from "../../schema/api/common.ts";
import { ScriptoriumError } from "../../schema/errors.ts";

/** Words that stand in the text more than once, with the places that could be meant. */
export class AmbiguousAnchor extends ScriptoriumError {
  readonly candidates: readonly AnchorCandidate[];
  constructor(candidates: readonly AnchorCandidate[]) {
    super(
      "anchor_ambiguous",
      "The quote stands there more than once; say what is before or after it, or in which section",
    );
    this.candidates = candidates;
  }
}
