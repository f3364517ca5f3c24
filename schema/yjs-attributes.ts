import { equalityDeep } from "lib0/function";
import type * as Y from "yjs";

type Attributes = Readonly<Record<string, unknown>>;

/** What turns attributes into others: the values that differ; null for what is to go. */
export function attributeChanges(before: Attributes, after: Attributes): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) changes[name] = null;
  for (const [name, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, name) || !equalityDeep(before[name], value)) changes[name] = value;
  }
  return changes;
}

/** Gives an element the attributes of another; writes only what differs. */
export function setAttributes(element: Y.XmlElement, wanted: Y.XmlElement): void {
  writeAttributes(element, attributeChanges(element.getAttributes(), wanted.getAttributes()));
}

/** Writes these attributes; null takes one away. */
export function writeAttributes(element: Y.XmlElement, changes: Attributes): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value as string);
  }
}
