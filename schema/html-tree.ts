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
};

/** What is inside these is no text for readers. */
const SKIPPED = new Set("script style template title textarea noscript iframe svg math".split(" "));

/**
 * Reads HTML as a tree. End tags may be missing; scripts, styles and comments are left out. It blocks its thread: give
 * long texts to a worker.
 * @throws ScriptoriumError `bad_content` when it nests too deep.
 */
export function readHtml(html: string): HtmlNode[] {
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
  parser.end(html);
  return root.children;
}
