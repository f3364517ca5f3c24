import fc from "fast-check";
import type { ApiDocument, JsonSchema } from "./api-document.ts";
import { hostileProse, hostileText, hostileValue, marker } from "./api-hostile.ts";

/** Makes values from the schemas of a description: mostly ones that fit, now and then one that does not. */
export type ValueMaker = (schema: JsonSchema, name: string) => fc.Arbitrary<unknown>;

/** Fits / nearly fits / is hostile, of 100. */
const FITTING = 88;

/** Deeper than this in a schema that refers to itself, only what is required is made. */
const MAX_DEPTH = 4;

/** What a tenancy calls an id that has another name in requests. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  parentId: "parentFeatureId",
  userId: "memberId",
  promptedBy: "memberId",
  // Any uuid will do.
  conversationId: "suggestionId",
  hunkIds: "hunkId",
  diffIds: "diffId",
  // Its names are ids.
  instead: "hunkId",
};

/** Fields of which a body has one: what it says in words, no schema can. */
const RIVALS: readonly (readonly string[])[] = [
  ["diffs", "content", "diagram"],
  ["content", "markdown"],
];

/** Ids that a request can hold: one of the caller's tenant, one of another, one of nothing. */
const idNamed = (name: string): fc.Arbitrary<string> => {
  const key = OTHER_NAMES[name] ?? name;
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant(marker("own", key)) },
    { weight: 2, arbitrary: fc.constant(marker("foreign", key)) },
    { weight: 1, arbitrary: fc.uuid() },
  );
};

/** @throws Error for a keyword that it does not know: the generator must not overlook a part of the description. */
export function createValueMaker(document: ApiDocument): ValueMaker {
  const make = (schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: FITTING, arbitrary: fitting(schema, name, depth) },
      { weight: 100 - FITTING, arbitrary: hostileValue },
    );

  const fitting = (schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> => {
    const { $ref, anyOf, allOf, oneOf, type } = schema as {
      $ref?: string;
      anyOf?: JsonSchema[];
      allOf?: JsonSchema[];
      oneOf?: JsonSchema[];
      type?: string | string[];
    };
    if ($ref !== undefined) return fitting(resolve($ref), name, depth);
    if ("const" in schema) return fc.constant(schema["const"]);
    if ("enum" in schema) return fc.constantFrom(...(schema["enum"] as unknown[]));
    const options = anyOf ?? oneOf;
    if (options !== undefined) {
      return fc.oneof(...options.map((each) => fitting(each, name, depth)));
    }
    if (allOf !== undefined) {
      const parts = fc.tuple(...allOf.map((each) => fitting(each, name, depth)));
      return parts.map((values) => Object.assign({}, ...values) as unknown);
    }
    if (Array.isArray(type)) {
      return fc.oneof(...type.map((each) => fitting({ ...schema, type: each }, name, depth)));
    }
    return ofType(type, schema, name, depth);
  };

  const ofType = (
    type: string | undefined,
    schema: JsonSchema,
    name: string,
    depth: number,
  ): fc.Arbitrary<unknown> => {
    switch (type) {
      case "string":
        return stringFor(schema, name);
      case "integer":
      case "number":
        return name === "baseSeq"
          ? fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, numberFor(schema))
          : numberFor(schema);
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      case "array":
        return fc.array(make((schema["items"] ?? {}) as JsonSchema, name, depth + 1), {
          maxLength: 3,
        });
      case "object":
        return objectFor(schema, name, depth);
      case undefined:
        return hostileValue;
      default:
        throw new Error(`The generator knows no type ${type} (${name})`);
    }
  };

  const objectFor = (schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> => {
    if ("example" in schema && !("properties" in schema)) {
      return fc.oneof(fc.constant(schema["example"]), contentLike);
    }
    const values = schema["additionalProperties"];
    if (typeof values === "object" && values !== null && !("properties" in schema)) {
      const each = make(values as JsonSchema, name, depth + 1);
      return fc.dictionary(idNamed(name), each, { maxKeys: 2 });
    }
    const properties = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>);
    const required = (schema["required"] ?? []) as string[];
    const made = properties
      .filter(([key]) => depth < MAX_DEPTH || required.includes(key))
      .map(([key, each]) => [key, make(each, key, depth + 1)] as const);
    const rivals = RIVALS.find((group) =>
      group.every((key) => made.some(([each]) => each === key)),
    );
    const all = fc.record(Object.fromEntries(made), {
      requiredKeys: [...required, ...(rivals ?? [])],
    });
    if (rivals === undefined) return all;
    // One of them, most of the time.
    const chosen = fc.constantFrom(...rivals, ...rivals, "none", "all");
    return fc.tuple(all, chosen).map(([value, kept]) => {
      const isLeft = (key: string): boolean =>
        kept === "all" || kept === key || !rivals.includes(key);
      return Object.fromEntries(Object.entries(value).filter(([key]) => isLeft(key)));
    });
  };

  const resolve = ($ref: string): JsonSchema => {
    const name = $ref.slice("#/components/schemas/".length);
    const schema = document.components.schemas[name];
    if (schema === undefined) throw new Error(`The description has no ${$ref}`);
    return schema;
  };

  return (schema, name) => make(schema, name, 0);
}

/** The pattern of a section's id, under whichever name it comes. */
const SECTION_ID = "^[\\w-]{1,64}$";

function stringFor({ format, pattern, maxLength }: JsonSchema, name: string): fc.Arbitrary<string> {
  if (format === "uuid") return idNamed(name);
  if (format === "date-time") {
    return fc.oneof(
      fc.constantFrom("2999-01-01T00:00:00.000Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    );
  }
  if (format === "email") {
    return fc.constantFrom(marker("own", "strangerEmail"), "nobody@example.com", "a@b");
  }
  if (name === "link") return fc.constantFrom(marker("caller", "link"), "no-such-link");
  if (pattern === SECTION_ID) {
    const garbage = fc.stringMatching(/^[\w-]{1,12}$/u);
    return fc.oneof({ weight: 4, arbitrary: fc.constant(marker("own", "sectionId")) }, garbage);
  }
  // A pattern without letters of its own is a ban on characters; any other is a slug or a code.
  const isSlug = typeof pattern === "string" && pattern.includes("a-z");
  if (isSlug) return fc.stringMatching(/^[a-z0-9-]{1,12}$/u);
  const plain = fc.lorem({ maxCount: 3 });
  if (typeof maxLength === "number" && maxLength <= 1000) return fc.oneof(plain, hostileText);
  return fc.oneof(plain, hostileProse);
}

function numberFor({ minimum, maximum }: JsonSchema): fc.Arbitrary<number> {
  const min = typeof minimum === "number" ? minimum : -10;
  const max = typeof maximum === "number" ? maximum : 10;
  const inRange = fc.oneof(
    fc.constantFrom(min, max),
    fc.integer({ min: Math.max(min, -1_000_000), max: Math.min(max, 1_000_000) }),
  );
  return fc.oneof({ weight: 9, arbitrary: inRange }, fc.constantFrom(min - 1, max + 1, 0.5, 1e21));
}

const NODES = [
  "paragraph",
  "heading",
  "bulletList",
  "listItem",
  "table",
  "tableRow",
  "tableCell",
  "image",
  "mention",
  "codeBlock",
  "blockquote",
  "hardBreak",
  "toString",
  "doc",
] as const;

/** Tiptap JSON as it might come: real nodes, unreal ones, marks and attributes of every kind. */
const contentLike: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  doc: fc.record({ type: fc.constant("doc"), content: fc.array(tie("node"), { maxLength: 3 }) }),
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({
      type: fc.constant("text"),
      text: fc.oneof(fc.lorem({ maxCount: 2 }), hostileText),
      marks: fc.array(fc.record({ type: fc.constantFrom("bold", "link", "code", "nothing") }), {
        maxLength: 2,
      }),
    }),
    fc.record({
      type: fc.constantFrom(...NODES),
      attrs: fc.dictionary(
        fc.constantFrom("id", "level", "src", "href", "colspan", "language", "__proto__"),
        hostileValue,
        { maxKeys: 2 },
      ),
      content: fc.array(tie("node"), { maxLength: 3 }),
    }),
  ),
})).doc;
