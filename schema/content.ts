/*
 * What can be done with content, in one place. Content is Tiptap JSON of the document schema; see each
 * file for what it refuses and what it loses.
 */
export { renderHtml } from "./content-html.ts";
export { parseHtml } from "./content-html-parse.ts";
export { parseMarkdown } from "./content-markdown-parse.ts";
export { renderMarkdown } from "./content-markdown.ts";
export { parseContent } from "./content-parse.ts";
export { fittingContent } from "./fitting-content.ts";
export { plainText } from "./content-text.ts";
