import {
  type Attrs,
  type AttributeSpec,
  DOMParser,
  type ParseRule,
  type Schema,
  type TagParseRule,
} from "@tiptap/pm/model";

/**
 * The schema's parse rules, which answer only what the schema accepts: an attribute that its rule refuses takes its
 * default. Where the default is refused too (an image without a source, a link without an address, a mention of
 * nobody) the rule does not match: the node or mark is left out, and the text inside stays.
 */
export const fittingRules = (schema: Schema): readonly ParseRule[] =>
  DOMParser.fromSchema(schema).rules.map((rule) =>
    rule.tag === undefined ? rule : fitting(rule, attributesOf(schema, rule)),
  );

type AttributeSpecs = Readonly<Record<string, AttributeSpec>>;

function attributesOf(schema: Schema, { node, mark }: TagParseRule): AttributeSpecs {
  const type = node === undefined ? schema.marks[mark ?? ""] : schema.nodes[node];
  return type?.spec.attrs ?? {};
}

function fitting(rule: TagParseRule, specs: AttributeSpecs): TagParseRule {
  return {
    ...rule,
    getAttrs: (element) => {
      const read = rule.getAttrs === undefined ? rule.attrs : rule.getAttrs(element);
      return read === false ? false : fittingAttributes(read ?? {}, specs);
    },
  };
}

function fittingAttributes(read: Attrs, specs: AttributeSpecs): Attrs | false {
  const kept: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const value = [read[name], spec.default].find((each) => each !== undefined && fits(spec, each));
    if (value === undefined) return false;
    kept[name] = value;
  }
  return kept;
}

function fits({ validate }: AttributeSpec, value: unknown): boolean {
  if (typeof validate !== "function") return true;
  try {
    validate(value);
    return true;
  } catch {
    return false;
  }
}
