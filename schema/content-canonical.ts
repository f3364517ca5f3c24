import type { JSONContent } from "@tiptap/core";
import type { Attrs, Mark, Node } from "@tiptap/pm/model";

/** Attributes without those that are null (every null is a default), or undefined when none is left. */
function presentAttributes(attrs: Attrs): Record<string, unknown> | undefined {
  const present = Object.entries(attrs).filter(([, value]) => value !== null);
  return present.length === 0 ? undefined : Object.fromEntries(present);
}

const markJson = (mark: Mark) => {
  const attrs = presentAttributes(mark.attrs);
  return { type: mark.type.name, ...(attrs && { attrs }) };
};

/**
 * A node as JSON in the one form used everywhere: no null attributes, no empty lists, neighbouring
 * texts with the same marks are one, marks on text only (Yjs keeps no others). It is what reading
 * the same content back from a Yjs document gives.
 */
export function canonicalJson(node: Node): JSONContent {
  if (node.isText) {
    const marks = node.marks.map(markJson);
    return { type: "text", text: node.text ?? "", ...(marks.length > 0 && { marks }) };
  }
  const attrs = presentAttributes(node.attrs);
  const content = node.children.map(canonicalJson);
  return {
    type: node.type.name,
    ...(attrs && { attrs }),
    ...(content.length > 0 && { content }),
  };
}
