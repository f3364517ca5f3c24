import {
  type AnyConfig,
  type AnyExtension,
  type Attributes,
  Extension,
  type Extensions,
  getExtensionField,
  getSchema,
  Mark,
  mergeAttributes,
  Node,
} from "@tiptap/core";
import { Image } from "@tiptap/extension-image";
import { TaskItem, TaskList } from "@tiptap/extension-list";
import { Mention } from "@tiptap/extension-mention";
import { Table, TableCell, TableHeader, TableRow } from "@tiptap/extension-table";
import type { Schema } from "@tiptap/pm/model";
import { StarterKit } from "@tiptap/starter-kit";

import { isLinkUrl } from "./content-url.ts";
import { ATTRIBUTE_RULES, type AttributeRule, blockIdRule } from "./document-attributes.ts";

/** The root that holds the rich text: `Y.XmlFragment("default")`. */
export const FRAGMENT = "default";
/** The root that holds a diagram's Mermaid source: `Y.Text("diagram")`. */
export const DIAGRAM = "diagram";
/** The root that holds a discussion: `Y.Map("threads")`, in the `comments:` document. */
export const THREADS = "threads";

/** The nodes that can stand at the top level; each of them has an `id`. */
export const BLOCK_TYPES = [
  "paragraph",
  "heading",
  "bulletList",
  "orderedList",
  "taskList",
  "table",
  "codeBlock",
  "blockquote",
  "image",
  "horizontalRule",
] as const;

const BlockIds = Extension.create({
  name: "blockIds",
  addGlobalAttributes: () => [
    {
      types: [...BLOCK_TYPES],
      attributes: {
        id: {
          default: null,
          // A split makes two blocks: the new one gets an id of its own.
          keepOnSplit: false,
          validate: blockIdRule,
          parseHTML: (element) => element.getAttribute("data-id"),
          renderHTML: ({ id }) => (typeof id === "string" ? { "data-id": id } : {}),
        },
      },
    },
  ],
});

const mentionAttribute = (name: string, html: string) => ({
  [name]: {
    default: null,
    parseHTML: (element: HTMLElement) => element.getAttribute(html),
    renderHTML: (attributes: Record<string, unknown>) => ({ [html]: attributes[name] }),
  },
});

const DocumentMention = Mention.extend({
  addAttributes: () => ({
    ...mentionAttribute("targetType", "data-target-type"),
    ...mentionAttribute("targetId", "data-target-id"),
    ...mentionAttribute("label", "data-label"),
  }),
  renderText: ({ node }) => `@${node.attrs["label"]}`,
  renderHTML({ node, HTMLAttributes }) {
    const type = { "data-type": "mention" };
    const attributes = mergeAttributes(type, this.options.HTMLAttributes, HTMLAttributes);
    return ["span", attributes, `@${node.attrs["label"]}`];
  },
}).configure({ deleteTriggerWithBackspace: true });

const starterKit = StarterKit.configure({
  // Collaboration brings its own history, which undoes only what its user did.
  undoRedo: false,
  // It would write an empty paragraph into every document that somebody merely opens.
  trailingNode: false,
  link: {
    // Typed links may lack the protocol; anything with a colon must be a safe address as it stands.
    isAllowedUri: (url) => (!url.includes(":") && isLinkUrl(`https://${url}`)) || isLinkUrl(url),
    defaultProtocol: "https",
    HTMLAttributes: { target: null, rel: "noopener noreferrer nofollow" },
  },
});

// Taken out of the kit, because a kit hides its members from the changes below.
const starterExtensions: Extensions =
  getExtensionField<AnyConfig["addExtensions"]>(starterKit, "addExtensions", {
    name: starterKit.name,
    options: starterKit.options,
    storage: starterKit.storage,
  })?.() ?? [];

type Rules = Readonly<Record<string, AttributeRule>>;

const ruled = (rules: Rules, inherited: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(rules).map(([name, validate]) => [name, { ...inherited[name], validate }]),
  );

/** Leaves an extension only the attributes that have a rule, each with its rule. */
function withRules(extension: AnyExtension): AnyExtension {
  const rules = ATTRIBUTE_RULES[extension.name];
  if (rules === undefined) return extension;
  if (extension instanceof Node) {
    return extension.extend({
      addAttributes() {
        return ruled(rules, this.parent?.() ?? {});
      },
    });
  }
  if (!(extension instanceof Mark)) return extension;
  return extension.extend({
    addAttributes() {
      return ruled(rules, this.parent?.() ?? {});
    },
  });
}

/** Inline code may be bold or a link, as in Markdown; Tiptap's own excludes every other mark. */
const withCodeBesideMarks = (extension: AnyExtension): AnyExtension =>
  extension instanceof Mark && extension.name === "code"
    ? extension.extend({ excludes: "code" })
    : extension;

/**
 * The one document schema as Tiptap extensions, shared by the server (`getSchema`) and the editor
 * (which adds Collaboration and its own behaviour). Configured without undo history.
 */
export const documentExtensions: Extensions = [
  BlockIds,
  ...starterExtensions,
  TaskList,
  TaskItem.configure({ nested: true }),
  Table,
  TableRow,
  TableHeader,
  TableCell,
  Image,
  DocumentMention,
]
  .map(withCodeBesideMarks)
  .map(withRules);

/** The ProseMirror schema of a document; built without a DOM. */
export const documentSchema: Schema = getSchema(documentExtensions);
