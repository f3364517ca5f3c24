import type { JSONContent } from "@tiptap/core";
import type { Mark, MarkType, Node, NodeType } from "@tiptap/pm/model";

import { canonicalJson } from "./content-canonical.ts";
import { isRecord, isUnsafeKey, MAX_DEPTH, storableText } from "./content-node.ts";
import { documentSchema } from "./document-schema.ts";
import { ScriptoriumError } from "./errors.ts";

/** How much is accepted: `maxLength` characters of text and attributes together, `maxNodes` nodes. */
type ContentLimits = { maxLength: number; maxNodes: number };

const DEFAULT_LIMITS: ContentLimits = { maxLength: 5_000_000, maxNodes: 500_000 };
const MAX_REASON = 200;

/** `path` names the place being read and is only put into words when something is wrong there. */
type Reading = { limits: ContentLimits; length: number; nodes: number; path: (string | number)[] };

function refuse(reading: Reading, reason: string): never {
  const place = reading.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("");
  throw new ScriptoriumError("bad_content", `doc${place}: ${reason.slice(0, MAX_REASON)}`);
}

function at<T>(reading: Reading, step: readonly (string | number)[], read: () => T): T {
  reading.path.push(...step);
  const result = read();
  reading.path.length -= step.length;
  return result;
}

function spendLength(reading: Reading, text: string): string {
  reading.length += text.length;
  if (reading.length > reading.limits.maxLength) {
    throw new ScriptoriumError(
      "too_large",
      `The content has more than ${reading.limits.maxLength} characters`,
    );
  }
  return storableText(text);
}

function spendNode(reading: Reading): void {
  reading.nodes += 1;
  if (reading.nodes > reading.limits.maxNodes) {
    throw new ScriptoriumError(
      "too_large",
      `The content has more than ${reading.limits.maxNodes} nodes`,
    );
  }
}

function readRecord(reading: Reading, value: unknown): Record<string, unknown> {
  if (!isRecord(value)) return refuse(reading, "must be an object");
  const unsafe = Object.keys(value).find(isUnsafeKey);
  if (unsafe !== undefined) return refuse(reading, `the key ${unsafe} is not allowed`);
  return value;
}

function readList(reading: Reading, value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : refuse(reading, "must be a list");
}

/** The attributes that the type has, each checked against its rule; others are not kept. */
function readAttributes(
  reading: Reading,
  value: unknown,
  type: NodeType | MarkType,
): Record<string, unknown> {
  const given = value === undefined || value === null ? {} : readRecord(reading, value);
  const attributes: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(type.spec.attrs ?? {})) {
    const raw = given[name] ?? (spec.default as unknown);
    const attribute = typeof raw === "string" ? spendLength(reading, raw) : raw;
    try {
      if (typeof spec.validate === "function") spec.validate(attribute);
    } catch (cause) {
      at(reading, [name], () => refuse(reading, cause instanceof Error ? cause.message : "bad"));
    }
    attributes[name] = attribute;
  }
  return attributes;
}

const describeType = (type: unknown): string =>
  typeof type === "string" ? JSON.stringify(type) : "without a type";

function readMark(reading: Reading, value: unknown): Mark {
  const { type, attrs } = readRecord(reading, value);
  if (typeof type !== "string" || !Object.hasOwn(documentSchema.marks, type)) {
    return refuse(reading, `unknown mark ${describeType(type)}`);
  }
  const markType = documentSchema.marks[type] as MarkType;
  return markType.create(at(reading, ["attrs"], () => readAttributes(reading, attrs, markType)));
}

const readMarks = (reading: Reading, value: unknown): readonly Mark[] =>
  at(reading, ["marks"], () =>
    readList(reading, value).map((mark, index) =>
      at(reading, [index], () => readMark(reading, mark)),
    ),
  );

function readText(reading: Reading, node: Record<string, unknown>): Node {
  const { text, marks } = node;
  if (typeof text !== "string" || text === "") return refuse(reading, "a text must not be empty");
  return documentSchema.text(spendLength(reading, text), readMarks(reading, marks));
}

function readNode(reading: Reading, value: unknown, depth: number): Node {
  if (depth > MAX_DEPTH) return refuse(reading, `nested deeper than ${MAX_DEPTH} levels`);
  spendNode(reading);
  const node = readRecord(reading, value);
  const { type } = node;
  if (typeof type !== "string" || !Object.hasOwn(documentSchema.nodes, type)) {
    return refuse(reading, `unknown node ${describeType(type)}`);
  }
  if (type === "text") return readText(reading, node);
  const nodeType = documentSchema.nodes[type] as NodeType;
  const attrs = at(reading, ["attrs"], () => readAttributes(reading, node["attrs"], nodeType));
  const children = at(reading, ["content"], () =>
    readList(reading, node["content"]).map((child, index) =>
      at(reading, [index], () => readNode(reading, child, depth + 1)),
    ),
  );
  const made = nodeType.create(attrs, children, readMarks(reading, node["marks"]));
  if (depth === 0 && children.length === 0) return made;
  return nodeType.validContent(made.content)
    ? made
    : refuse(
        reading,
        `a ${type} cannot hold ${children.map(({ type: t }) => t.name).join(", ") || "nothing"}`,
      );
}

/**
 * Reads Tiptap JSON from anywhere and answers it in canonical form: only nodes, marks and attributes
 * of the document schema, nulls left out. A document without blocks becomes one empty paragraph.
 * Attributes that the schema does not have are dropped; wrong values of those it has are refused.
 * @throws ScriptoriumError `bad_content` with the place and the reason, `too_large` beyond the limits.
 */
export function parseContent(value: unknown, limits: Partial<ContentLimits> = {}): JSONContent {
  const reading: Reading = {
    limits: { ...DEFAULT_LIMITS, ...limits },
    length: 0,
    nodes: 0,
    path: [],
  };
  const document = readNode(reading, value, 0);
  if (document.type !== documentSchema.topNodeType) {
    return refuse(reading, `must be a doc, not a ${document.type.name}`);
  }
  if (document.childCount === 0) return { type: "doc", content: [{ type: "paragraph" }] };
  try {
    document.check();
  } catch (cause) {
    return refuse(reading, cause instanceof Error ? cause.message : "does not fit the schema");
  }
  return canonicalJson(document);
}
