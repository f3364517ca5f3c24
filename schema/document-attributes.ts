import { isImageUrl, isLinkUrl } from "./content-url.ts";

/** What a mention can point at (DESIGN 7). */
export const MENTION_TARGETS = [
  "user",
  "agent",
  "document",
  "work_order",
  "feature",
  "artifact",
] as const;

/** Throws with the reason when a value is not allowed; ProseMirror calls it in `fromJSON` and `check`. */
export type AttributeRule = (value: unknown) => void;

const MAX_TEXT = 2000;
const MAX_SPAN = 1000;
const MAX_LIST_START = 999_999_999; // CommonMark: an ordered list marker has at most nine digits

const rule =
  (expected: string, accepts: (value: unknown) => boolean): AttributeRule =>
  (value) => {
    if (!accepts(value)) throw new RangeError(`must be ${expected}`);
  };

const integer = (from: number, to: number): AttributeRule =>
  rule(
    `a whole number from ${from} to ${to}`,
    (value) => Number.isInteger(value) && Number(value) >= from && Number(value) <= to,
  );

const oneOf = (...allowed: readonly unknown[]): AttributeRule =>
  rule(`one of ${allowed.join(", ")}`, (value) => allowed.includes(value));

const text = (max: number): AttributeRule =>
  rule(
    `text of at most ${max} characters`,
    (value) => typeof value === "string" && value.length <= max,
  );

const orNull =
  (inner: AttributeRule): AttributeRule =>
  (value) => {
    if (value !== null) inner(value);
  };

const ID = /^[\w-]{1,64}$/u;
const TARGET_ID = /^[\w-]{1,100}$/u;

/** True for what may stand in a block's `id`: a uuid or a nanoid. */
export const isBlockId = (value: unknown): value is string =>
  typeof value === "string" && ID.test(value);

// It becomes a class name and the info string of a fence: one word that says nothing else in either.
const LANGUAGE = /^[^\s\p{Cc}"'<>&`]{1,100}$/u;

/** True for what may stand in a code block's `language`. */
export const isLanguage = (value: unknown): value is string =>
  typeof value === "string" && LANGUAGE.test(value);

/** True for what may stand in a cell's `colwidth`. */
export const isColumnWidths = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length <= MAX_SPAN &&
  value.every((width) => Number.isInteger(width) && Number(width) >= 0);

const cell = {
  colspan: integer(1, MAX_SPAN),
  rowspan: integer(1, MAX_SPAN),
  colwidth: orNull(rule("a list of whole pixel widths", isColumnWidths)),
  align: oneOf(null, "left", "center", "right"),
};

/** The rule of a top-level block's `id`; null until one is given. */
export const blockIdRule: AttributeRule = orNull(
  rule("1 to 64 letters, digits, _ or -", isBlockId),
);

/**
 * What the attributes of nodes and marks may hold, by type and attribute.
 * The schema has exactly these attributes (and `id`): one that is not listed is not kept.
 */
export const ATTRIBUTE_RULES: Readonly<Record<string, Readonly<Record<string, AttributeRule>>>> = {
  heading: { level: integer(1, 6) },
  orderedList: { start: integer(0, MAX_LIST_START), type: oneOf(null, "1", "a", "A", "i", "I") },
  taskItem: { checked: oneOf(true, false) },
  tableCell: cell,
  tableHeader: cell,
  codeBlock: { language: orNull(rule("one word of at most 100 characters", isLanguage)) },
  image: {
    src: rule("an http or https address", isImageUrl),
    alt: orNull(text(MAX_TEXT)),
    title: orNull(text(MAX_TEXT)),
  },
  mention: {
    targetType: oneOf(...MENTION_TARGETS),
    targetId: rule(
      "1 to 100 letters, digits, _ or -",
      (value) => typeof value === "string" && TARGET_ID.test(value),
    ),
    label: text(200),
  },
  link: {
    href: rule("an http, https or mailto address", isLinkUrl),
    title: orNull(text(MAX_TEXT)),
  },
};
