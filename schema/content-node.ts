import type { JSONContent } from "@tiptap/core";

/** Deeper than any text a person writes; renderers stop here so that no content overflows the stack. */
export const MAX_DEPTH = 200;

/** Keys that would reach an object's prototype (FIELD-NOTES 16). */
const UNSAFE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
/** True for keys that would reach an object's prototype. */
export const isUnsafeKey = (key: string): boolean => UNSAFE_KEYS.has(key);

/** True for a plain JSON object: not null, not an array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text as PostgreSQL's jsonb can hold it: without NUL and without half a surrogate pair. */
export const storableText = (text: string): string =>
  (text.isWellFormed() ? text : text.toWellFormed()).replaceAll("\0", "\uFFFD");

/*
 * Readers that answer for any JSON, also for content that never went through the schema:
 * a document may hold whatever somebody's Yjs update put there.
 */

/** The child nodes; none when `content` is missing or is no list of nodes. */
export const childrenOf = (node: JSONContent): readonly JSONContent[] => {
  const content: unknown = node.content;
  return Array.isArray(content) ? content.filter(isRecord) : [];
};

/** A text node's text, else empty. */
export const textOf = (node: JSONContent): string => {
  const text: unknown = node.text;
  return node.type === "text" && typeof text === "string" ? text : "";
};

export type MarkJson = { type: string; attrs?: Record<string, unknown> };

/** The marks that have a type. */
export const marksOf = (node: JSONContent): readonly MarkJson[] => {
  const marks: unknown = node.marks;
  if (!Array.isArray(marks)) return [];
  return marks.filter(
    (mark: unknown): mark is MarkJson => isRecord(mark) && typeof mark["type"] === "string",
  );
};

/** An attribute when it is text, else null. */
export function textAttribute(node: JSONContent | MarkJson, name: string): string | null {
  const value = attribute(node, name);
  return typeof value === "string" ? value : null;
}

/** An attribute when it is a whole number inside the range, else the fallback. */
export function numberAttribute(
  node: JSONContent,
  name: string,
  range: { from: number; to: number; fallback: number },
): number {
  const value = attribute(node, name);
  if (typeof value !== "number" || !Number.isInteger(value)) return range.fallback;
  return value >= range.from && value <= range.to ? value : range.fallback;
}

/** An attribute of any kind; undefined when it is not there. */
export function attribute(node: JSONContent | MarkJson, name: string): unknown {
  const attrs: unknown = node.attrs;
  return isRecord(attrs) && Object.hasOwn(attrs, name) ? attrs[name] : undefined;
}

/** What a mention shows: `@label`, with the target id when it has no label. */
export const mentionText = (node: JSONContent): string =>
  `@${textAttribute(node, "label") ?? textAttribute(node, "targetId") ?? ""}`;
