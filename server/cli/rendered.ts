import type { JSONContent } from "@tiptap/core";
import type { ExportedDocument } from "../../persistence/export-document.ts";
import { renderHtml, renderMarkdown } from "../../schema/content.ts";
import { assertNever } from "../../schema/errors.ts";

/** The forms a document can be written in, and the ending of such a file. */
export const EXPORT_FORMATS = ["markdown", "html", "json"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The ending of a file in each format. */
export const ENDINGS: Readonly<Record<ExportFormat, string>> = {
  markdown: "md",
  html: "html",
  json: "json",
};

/**
 * A document as text. Markdown and JSON can be imported again; HTML is a page of its own.
 * A diagram is shown as a code block in `mermaid` where people read; JSON is the text's content alone.
 */
export function renderDocument(document: ExportedDocument, format: ExportFormat): string {
  switch (format) {
    case "markdown":
      return renderMarkdown(withDiagram(document));
    case "html":
      return htmlPage(document.title, renderHtml(withDiagram(document)));
    case "json":
      return `${JSON.stringify(document.content, null, 2)}\n`;
    default:
      return assertNever(format);
  }
}

function withDiagram({ content, diagramSource }: ExportedDocument): JSONContent {
  if (diagramSource === null) return content;
  const source = [{ type: "text", text: diagramSource }];
  const block = { type: "codeBlock", attrs: { language: "mermaid" }, content: source };
  return { ...content, content: [...(content.content ?? []), block] };
}

// The character set first: a browser guesses it from the start of a file.
const htmlPage = (title: string, body: string): string =>
  `<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>${escapeText(title)}</title>\n</head>\n` +
  `<body>\n${body}\n</body>\n</html>\n`;

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
