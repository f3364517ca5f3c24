import { decodeEntities } from "./content-entities.ts";
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

/** Elements without an end tag. */
const VOID = new Set("area base br col embed hr img input link meta source track wbr".split(" "));

/** What is inside these is no text for readers, and no markup: it ends at the end tag, whatever it holds. */
const SKIPPED = new Set("script style template title textarea noscript iframe svg math".split(" "));

/** An element that is still open when one of these begins has ended: nobody writes all end tags. */
const ENDED_BY: Readonly<Record<string, ReadonlySet<string>>> = {
  p: new Set(
    "p div ul ol li table pre blockquote h1 h2 h3 h4 h5 h6 hr section article header footer".split(
      " ",
    ),
  ),
  li: new Set(["li"]),
  td: new Set(["td", "th", "tr"]),
  th: new Set(["td", "th", "tr"]),
  tr: new Set(["tr"]),
};

const MARKUP =
  /<!--|<[!?]|<(?<end>\/)?(?<tag>[a-z][a-z0-9-]{0,30})(?<rest>(?:[^<>"']|"[^"]*"|'[^']*')*)>/giu;

const ATTRIBUTE =
  /(?<name>[^\s"'<>/=]+)(?:\s*=\s*(?:"(?<a>[^"]*)"|'(?<b>[^']*)'|(?<c>[^\s"'<>]+)))?/gu;

/** A quoted value that never ends makes the search for its end start over at every `<`. */
const MAX_STRAYS = 10_000;

/**
 * Reads HTML as a tree, as far as it is markup; what is not (`a < b`) stays text. Scripts, styles and comments are
 * left out. It blocks its thread: give long texts to a worker.
 * @throws ScriptoriumError `bad_content` when it nests too deep or has too much broken markup.
 */
export function readHtml(html: string): HtmlNode[] {
  const root: HtmlElement = { tag: "", attributes: new Map(), children: [] };
  const path = [root];
  const addText = (text: string): void => {
    if (text !== "") path.at(-1)?.children.push(decodeEntities(text));
  };
  let at = 0;
  let strays = 0;
  MARKUP.lastIndex = 0;
  for (let match = MARKUP.exec(html); match !== null; match = MARKUP.exec(html)) {
    addText(html.slice(at, match.index));
    const tag = match.groups?.["tag"]?.toLowerCase();
    at = MARKUP.lastIndex;
    if (tag === undefined) at = endOfComment(html, match);
    else if (match.groups?.["end"] !== undefined) closeElement(path, tag);
    else if (SKIPPED.has(tag)) at = endOfSkipped(html, at, tag);
    else openElement(path, tag, match.groups?.["rest"] ?? "");
    MARKUP.lastIndex = at;
    strays += tag === undefined ? 1 : 0;
    if (path.length > MAX_DEPTH * 2 || strays > MAX_STRAYS) {
      throw new ScriptoriumError("bad_content", "The HTML is nested too deep, or broken");
    }
  }
  addText(html.slice(at));
  return root.children;
}

function endOfComment(html: string, match: RegExpExecArray): number {
  const end = match[0] === "<!--" ? "-->" : ">";
  const at = html.indexOf(end, match.index + match[0].length);
  return at === -1 ? html.length : at + end.length;
}

function endOfSkipped(html: string, from: number, tag: string): number {
  const end = new RegExp(`</${tag}[^>]*>`, "giu");
  end.lastIndex = from;
  return end.exec(html) === null ? html.length : end.lastIndex;
}

function openElement(path: HtmlElement[], tag: string, rest: string): void {
  for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
    if (ENDED_BY[last.tag]?.has(tag) !== true) break;
    path.pop();
  }
  const element = { tag, attributes: readAttributes(rest), children: [] };
  path.at(-1)?.children.push(element);
  if (!VOID.has(tag) && !rest.trimEnd().endsWith("/")) path.push(element);
}

/** An end tag without its beginning ends nothing; one of an outer element ends all inside. */
function closeElement(path: HtmlElement[], tag: string): void {
  const index = path.findLastIndex((element) => element.tag === tag);
  if (index > 0) path.length = index;
}

function readAttributes(rest: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const { groups = {} } of rest.matchAll(ATTRIBUTE)) {
    const name = (groups["name"] ?? "").toLowerCase();
    const value = groups["a"] ?? groups["b"] ?? groups["c"] ?? "";
    if (!attributes.has(name)) attributes.set(name, decodeEntities(value));
  }
  return attributes;
}
