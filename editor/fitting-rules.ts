import { DOMParser, type ParseRule, type Schema, type TagParseRule } from "@tiptap/pm/model";
import { fittingAttributes, type AttributeSpecs } from "../schema/fitting-attributes.ts";

/**
 * The schema's parse rules, which answer only what the schema accepts: an attribute that its rule refuses takes its
 * default. Where the default is refused too (an image without a source, a link without an address, a mention of
 * nobody) the rule does not match: the node or mark is left out, and the text inside stays.
 */
export const fittingRules = (schema: Schema): readonly ParseRule[] =>
  DOMParser.fromSchema(schema).rules.map((rule) =>
    rule.tag === undefined ? rule : fitting(rule, attributesOf(schema, rule)),
  );

function attributesOf(schema: Schema, { node, mark }: TagParseRule): AttributeSpecs {
  const type = node === undefined ? schema.marks[mark ?? ""] : schema.nodes[node];
  return type?.spec.attrs ?? {};
}

function fitting(rule: TagParseRule, specs: AttributeSpecs): TagParseRule {
  return {
    ...rule,
    getAttrs: (element) => {
      const read = rule.getAttrs === undefined ? rule.attrs : rule.getAttrs(element);
      if (read === false) return false;
      return fittingAttributes(read ?? {}, specs)?.attributes ?? false;
    },
  };
}
