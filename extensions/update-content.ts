import * as Y from "yjs";
import { isRecord, isUnsafeKey } from "../schema/content-node.ts";

/** Where a struct stands: in the root fragment, in an element or in a text, so deep, and under which key if any. */
export type Place = {
  /** The type it is in; two places are in one list when this and `key` are the same. */
  readonly within: object;
  readonly kind: "fragment" | "element" | "text";
  /** How many types are around it; 0 in a root. */
  readonly depth: number;
  /** The attribute's name; null for what stands in the list of children. */
  readonly key: string | null;
};

/** How deep types and the values of attributes may nest. */
export type DepthLimits = { readonly maxDepth: number; readonly maxValueDepth: number };

/** Why a content does not fit where it was put. */
export type ContentFault = "kind" | "key" | "depth" | "value";

/** Longer keys than any schema has; y-tiptap adds ten characters to a mark's name. */
const MAX_KEY_LENGTH = 256;

/** As ProseMirror names nodes; y-tiptap writes the name as it is. */
const NODE_NAME = /^[A-Za-z][\w-]{0,63}$/u;

/** y-tiptap writes a mark that may overlap itself as its name, two dashes and eight characters of a hash. */
const MARK_HASH = /--[a-zA-Z0-9+/=]{8}$/u;

const isKey = (key: string): boolean =>
  key.length <= MAX_KEY_LENGTH && !isUnsafeKey(key.replace(MARK_HASH, ""));

/** Judges new content by what y-tiptap writes there; null: it fits. */
export function contentFault(
  content: Y.Item["content"],
  place: Place,
  limits: DepthLimits,
): ContentFault | null {
  if (content instanceof Y.ContentDeleted) return null;
  if (place.key !== null) return attributeFault(content, place, place.key, limits);
  if (place.kind === "text") return textFault(content, limits);
  if (!(content instanceof Y.ContentType)) return "kind";
  if (place.depth >= limits.maxDepth) return "depth";
  const { type } = content;
  if (type instanceof Y.XmlElement) {
    return NODE_NAME.test(type.nodeName) && !isUnsafeKey(type.nodeName) ? null : "key";
  }
  return type instanceof Y.XmlText ? null : "kind";
}

function attributeFault(
  content: Y.Item["content"],
  { kind }: Place,
  key: string,
  { maxValueDepth }: DepthLimits,
): ContentFault | null {
  if (kind === "fragment") return "kind";
  if (!isKey(key)) return "key";
  if (!(content instanceof Y.ContentAny || content instanceof Y.ContentJSON)) return "kind";
  const fault = firstFault(content.arr, maxValueDepth);
  return fault === null && content instanceof Y.ContentJSON && !isWritable(content.arr)
    ? "value"
    : fault;
}

function textFault(
  content: Y.Item["content"],
  { maxValueDepth }: DepthLimits,
): ContentFault | null {
  if (content instanceof Y.ContentString) return null;
  if (content instanceof Y.ContentFormat) {
    return isKey(content.key) ? jsonFault(content.value, maxValueDepth) : "key";
  }
  return content instanceof Y.ContentEmbed ? jsonFault(content.embed, maxValueDepth) : "kind";
}

/** A value that Yjs keeps as JSON text. */
const jsonFault = (value: unknown, depth: number): ContentFault | null =>
  valueFault(value, depth) ?? (isWritable(value) ? null : "value");

/** False for 1e400 and -0, which are read from JSON and written as something else: whoever comes later reads that. */
function isWritable(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value !== "object" || value === null || Object.values(value).every(isWritable);
}

/** A value must be JSON, nested at most so deep, and reach no prototype. */
function valueFault(value: unknown, depth: number): ContentFault | null {
  if (typeof value === "bigint") return "value";
  if (typeof value !== "object" || value === null) return null;
  if (depth === 0) return "depth";
  if (Array.isArray(value)) return firstFault(value, depth - 1);
  // lib0 sets what it reads, so that a key `__proto__` has replaced the prototype (FIELD-NOTES 16).
  if (!isRecord(value) || Object.getPrototypeOf(value) !== Object.prototype) return "value";
  if (Object.keys(value).some(isUnsafeKey)) return "key";
  return firstFault(Object.values(value), depth - 1);
}

function firstFault(values: readonly unknown[], depth: number): ContentFault | null {
  for (const value of values) {
    const fault = valueFault(value, depth);
    if (fault !== null) return fault;
  }
  return null;
}
