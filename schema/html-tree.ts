import type { JSONContent } from "@tiptap/core";
import { Parser } from "htmlparser2";
import { MAX_DEPTH } from "./content-node.ts";
import { ScriptoriumError } from "./errors.ts";

/** An element of an HTML text, or a piece of its text. */
export type HtmlNode = HtmlElement | string;

/** Names in lower case; an attribute without a value is "". */
export type HtmlElement = {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: HtmlNode[];
  /** Of {@link READ_TAG}: what has been read. */
  readonly blocks?: readonly JSONContent[];
};

/** Stands in the tree for blocks that have been read already. No tag of an HTML text has such a name. */
export const READ_TAG = "#read";

/** A piece of an HTML text, or what has been read of another one between two pieces. */
export type HtmlPiece = string | readonly JSONContent[];

/** What is inside these is no text for readers. */
const SKIPPED = new Set("script style template title textarea noscript iframe svg math".split(" "));

/**
 * Reads HTML as a tree, in pieces, with blocks that have been read already between them. End tags may be missing;
 * scripts, styles and comments are left out. It blocks its thread: give long texts to a worker.
 * @throws ScriptoriumError `bad_content` when it nests too deep.
 */
export function readHtml(pieces: readonly HtmlPiece[]): HtmlNode[] {
  const root: HtmlElement = { tag: "", attributes: new Map(), children: [] };
  const path = [root];
  let skipped = 0;
  const parser = new Parser({
    onopentag(tag, attributes) {
      if (path.length > MAX_DEPTH * 2) {
        throw new ScriptoriumError("bad_content", "The HTML is nested too deep");
      }
      const element = { tag, attributes: new Map(Object.entries(attributes)), children: [] };
      if (SKIPPED.has(tag)) skipped += 1;
      if (skipped === 0) path.at(-1)?.children.push(element);
      path.push(element);
    },
    ontext(text) {
      if (skipped === 0) path.at(-1)?.children.push(text);
    },
    onclosetag(tag) {
      path.pop();
      if (SKIPPED.has(tag)) skipped -= 1;
    },
  });
  for (const piece of pieces) {
    if (typeof piece === "string") parser.write(piece);
    else {
      const read = { tag: READ_TAG, attributes: new Map<string, string>(), children: [] };
      path.at(-1)?.children.push({ ...read, blocks: piece });
    }
  }
  parser.end();
  return root.children;
}
