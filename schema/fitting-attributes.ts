import type { AttributeSpec } from "@tiptap/pm/model";

/** The attributes that a node or mark of the schema has. */
export type AttributeSpecs = Readonly<Record<string, AttributeSpec>>;

/** Attributes that the schema accepts; `dropped` of those that were given it does not. */
export type FittingAttributes = {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly dropped: number;
};

/**
 * Leaves of these attributes what the schema accepts: one that its rule refuses takes its default, one that is not
 * listed is left out. Null where a default is refused too: an image without a source, a link without an address.
 */
export function fittingAttributes(
  given: Readonly<Record<string, unknown>>,
  specs: AttributeSpecs,
): FittingAttributes | null {
  const attributes: Record<string, unknown> = {};
  let dropped = Object.keys(given).filter((name) => !Object.hasOwn(specs, name)).length;
  for (const [name, spec] of Object.entries(specs)) {
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    const isFitting = own !== undefined && fits(spec, own);
    const value = isFitting ? own : (spec.default as unknown);
    if (value === undefined || !fits(spec, value)) return null;
    if (own !== undefined && !isFitting) dropped += 1;
    attributes[name] = value;
  }
  return { attributes, dropped };
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
