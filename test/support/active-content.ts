import { Parser } from "htmlparser2";
import MarkdownIt from "markdown-it";

/** What shown content may consist of, and the attributes it may have there. Typed off from nothing of ours. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  p: ["data-id"],
  h1: ["data-id"],
  h2: ["data-id"],
  h3: ["data-id"],
  h4: ["data-id"],
  h5: ["data-id"],
  h6: ["data-id"],
  ul: ["data-id", "data-type"],
  ol: ["data-id", "start", "type"],
  li: ["data-type", "data-checked"],
  label: [],
  div: [],
  input: ["type", "disabled", "checked"],
  blockquote: ["data-id"],
  pre: ["data-id"],
  code: ["class"],
  table: ["data-id"],
  thead: [],
  tbody: [],
  tr: [],
  th: ["colspan", "rowspan", "style"],
  td: ["colspan", "rowspan", "style"],
  img: ["data-id", "src", "alt", "title"],
  a: ["href", "title", "rel"],
  span: ["data-type", "data-target-type", "data-target-id", "data-label"],
  hr: ["data-id"],
  br: [],
  strong: [],
  em: [],
  s: [],
  u: [],
};

const SCHEMES: Readonly<Record<string, readonly string[]>> = {
  // A mention in Markdown is a link of a scheme that no browser opens.
  href: ["http:", "https:", "mailto:", "mention:"],
  src: ["http:", "https:"],
};

/** Values that do something or say how it looks, and what they may be. */
const VALUES: Readonly<Record<string, RegExp>> = {
  style: /^text-align: ?(?:left|center|right);?$/u,
  class: /^language-[^\s"'<>&`]+$/u,
  type: /^(?:[1aAiI]|checkbox)$/u,
  colspan: /^\d{1,4}$/u,
  rowspan: /^\d{1,4}$/u,
  start: /^\d{1,9}$/u,
};

/** Everything in an HTML text that is more than shown content, as a browser would read it. Empty: it is inert. */
export function activeContentOf(html: string): string[] {
  const faults: string[] = [];
  const parser = new Parser({
    onopentag(tag, attributes) {
      const allowed = Object.hasOwn(ALLOWED, tag) ? ALLOWED[tag] : undefined;
      if (allowed === undefined) {
        faults.push(`element ${tag}`);
        return;
      }
      for (const [name, value] of Object.entries(attributes)) {
        if (!allowed.includes(name)) faults.push(`${tag} has ${name}="${value}"`);
        else if (!isInert(name, value)) faults.push(`${tag} has ${name}="${value}"`);
      }
    },
    onprocessinginstruction: (name) => faults.push(`instruction ${name}`),
    onerror: (error) => faults.push(error.message),
  });
  parser.end(html);
  return faults;
}

function isInert(name: string, value: string): boolean {
  const schemes = SCHEMES[name];
  // An address without a scheme leads somewhere on this server: none comes out.
  if (schemes !== undefined) {
    return URL.canParse(value) && schemes.includes(new URL(value).protocol);
  }
  return VALUES[name]?.test(value) ?? true;
}

const READER = new MarkdownIt({ html: true, linkify: false });
// It refuses some addresses by itself, and would hide what is wrong.
READER.validateLink = () => true;

/** Everything that is more than shown content in Markdown, for a reader that lets HTML through. */
export const activeMarkdownOf = (markdown: string): string[] =>
  activeContentOf(READER.render(markdown));
