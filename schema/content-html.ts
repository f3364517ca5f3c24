import type { JSONContent } from "@tiptap/core";

import {
  attribute,
  childrenOf,
  type MarkJson,
  marksOf,
  MAX_DEPTH,
  mentionText,
  numberAttribute,
  textAttribute,
  textOf,
} from "./content-node.ts";
import { isImageUrl, isLinkUrl } from "./content-url.ts";
import { isBlockId, isColumnWidths, isLanguage } from "./document-attributes.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/gu, (character) => ESCAPES[character] ?? "");

/** Attributes of an element; null: it has none of this name. */
export type HtmlAttributes = Readonly<Record<string, string | null>>;

/** Begins an element. Tag and attribute names are always ours; only values come from the document. */
export function openTag(tag: string, attributes: HtmlAttributes = {}): string {
  const written = Object.entries(attributes)
    .filter((entry): entry is [string, string] => entry[1] !== null)
    .map(([name, value]) => ` ${name}="${escapeHtml(value)}"`);
  return `<${tag}${written.join("")}>`;
}

const element = (tag: string, attributes: HtmlAttributes, inner: string): string =>
  `${openTag(tag, attributes)}${inner}</${tag}>`;

const MARK_TAGS: Readonly<Record<string, string>> = {
  bold: "strong",
  italic: "em",
  strike: "s",
  underline: "u",
  code: "code",
};

function wrapInMark(html: string, mark: MarkJson): string {
  if (mark.type === "link") {
    const href = attribute(mark, "href");
    if (!isLinkUrl(href)) return html;
    const title = textAttribute(mark, "title");
    return element("a", { href, title, rel: "noopener noreferrer nofollow" }, html);
  }
  const tag = Object.hasOwn(MARK_TAGS, mark.type) ? MARK_TAGS[mark.type] : undefined;
  return tag === undefined ? html : element(tag, {}, html);
}

type RenderNode = (node: JSONContent, inner: () => string, id: HtmlAttributes) => string;

const simple =
  (tag: string): RenderNode =>
  (_, inner, id) =>
    element(tag, id, inner());

/** Of a table's cell: what it spans, how wide its columns are, and where its text stands. */
export function cellAttributes(node: JSONContent): HtmlAttributes {
  const span = (name: string) => {
    const value = numberAttribute(node, name, { from: 1, to: 1000, fallback: 1 });
    return value === 1 ? null : String(value);
  };
  const widths = attribute(node, "colwidth");
  const align = textAttribute(node, "align") ?? "";
  return {
    colspan: span("colspan"),
    rowspan: span("rowspan"),
    colwidth: isColumnWidths(widths) ? widths.join(",") : null,
    style: /^(?:left|center|right)$/u.test(align) ? `text-align: ${align}` : null,
  };
}

const cell =
  (tag: string): RenderNode =>
  (node, inner) =>
    element(tag, cellAttributes(node), inner());

function renderTaskItem(node: JSONContent, inner: () => string): string {
  const checked = attribute(node, "checked") === true;
  const box = `<label><input type="checkbox" disabled${checked ? " checked" : ""}></label>`;
  const attributes = { "data-type": "taskItem", "data-checked": String(checked) };
  return element("li", attributes, `${box}<div>${inner()}</div>`);
}

/** Where a list begins to count, and in what. */
export function listAttributes(node: JSONContent): HtmlAttributes {
  const start = numberAttribute(node, "start", { from: 0, to: 999_999_999, fallback: 1 });
  const type = textAttribute(node, "type") ?? "";
  return {
    start: start === 1 ? null : String(start),
    type: /^[1aAiI]$/u.test(type) ? type : null,
  };
}

function renderImage(node: JSONContent, _inner: () => string, id: HtmlAttributes): string {
  const src = attribute(node, "src");
  const alt = textAttribute(node, "alt");
  if (!isImageUrl(src)) return alt === null ? "" : element("p", id, escapeHtml(alt));
  return openTag("img", { ...id, src, alt: alt ?? "", title: textAttribute(node, "title") });
}

const renderMention: RenderNode = (node) =>
  element(
    "span",
    {
      "data-type": "mention",
      "data-target-type": textAttribute(node, "targetType"),
      "data-target-id": textAttribute(node, "targetId"),
      "data-label": textAttribute(node, "label"),
    },
    escapeHtml(mentionText(node)),
  );

const RENDERERS: Readonly<Record<string, RenderNode>> = {
  paragraph: simple("p"),
  heading: (node, inner, id) =>
    element(`h${numberAttribute(node, "level", { from: 1, to: 6, fallback: 1 })}`, id, inner()),
  blockquote: simple("blockquote"),
  bulletList: simple("ul"),
  orderedList: (node, inner, id) => element("ol", { ...id, ...listAttributes(node) }, inner()),
  taskList: (_, inner, id) => element("ul", { "data-type": "taskList", ...id }, inner()),
  listItem: (_, inner) => element("li", {}, inner()),
  taskItem: renderTaskItem,
  table: (_, inner, id) => element("table", id, `<tbody>${inner()}</tbody>`),
  tableRow: (_, inner) => element("tr", {}, inner()),
  tableCell: cell("td"),
  tableHeader: cell("th"),
  codeBlock: (node, inner, id) => {
    const language = attribute(node, "language");
    const name = isLanguage(language) ? `language-${language}` : null;
    const code = element("code", { class: name }, inner());
    return element("pre", id, code);
  },
  image: renderImage,
  horizontalRule: (_, _inner, id) => openTag("hr", id),
  hardBreak: () => "<br>",
  mention: renderMention,
};

function render(node: JSONContent, depth: number): string {
  if (node.type === "text") {
    // The first mark of a text is its outermost.
    return marksOf(node)
      .toReversed()
      .reduce(wrapInMark, escapeHtml(textOf(node)));
  }
  const inner = () =>
    depth < MAX_DEPTH
      ? childrenOf(node)
          .map((child) => render(child, depth + 1))
          .join("")
      : "";
  const renderer =
    typeof node.type === "string" && Object.hasOwn(RENDERERS, node.type)
      ? RENDERERS[node.type]
      : undefined;
  if (renderer === undefined) return inner();
  const id = attribute(node, "id");
  return renderer(node, inner, isBlockId(id) ? { "data-id": id } : {});
}

/**
 * A document as HTML that is safe to show: every text and attribute is escaped, links lead to http, https
 * and mailto only, images come from http and https only. Answers for any JSON; of a node that the
 * schema does not have only the content is shown.
 */
export const renderHtml = (document: JSONContent): string => render(document, 0);
