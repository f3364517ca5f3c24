import { createRequire } from "node:module";

/** A JSON schema as the description prints it: of whatever keywords. */
export type JsonSchema = { readonly [keyword: string]: unknown };

type Content = {
  readonly [mediaType: string]: { readonly schema: JsonSchema; readonly example?: unknown };
};

/** One parameter of an operation. */
export type Parameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: JsonSchema;
};

/** One operation of an OpenAPI document, as far as the tests read it. */
export type Operation = {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: { readonly [status: string]: { readonly content?: Content } };
};

/** An OpenAPI document, as far as the tests read it. */
export type ApiDocument = {
  readonly openapi: string;
  readonly components: { readonly schemas: { readonly [name: string]: JsonSchema } };
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
};

/** An operation with where it is. */
export type PlacedOperation = Operation & { readonly method: string; readonly path: string };

/** The description that a running server serves. */
export async function readApiDocument(port: number): Promise<ApiDocument> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/openapi.json`);
  if (response.status !== 200) throw new Error(`openapi.json answered ${response.status}`);
  return (await response.json()) as ApiDocument;
}

/** Every operation of a description. */
export const operationsOf = ({ paths }: ApiDocument): PlacedOperation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  );

type Check = ((value: unknown) => boolean) & { readonly errors?: unknown };

type Ajv = { compile(schema: object): Check; addSchema(schema: object, key: string): unknown };

/** Judges values by the schemas of a description: null when one fits, else why not. */
export type SchemaJudge = (schema: JsonSchema, value: unknown) => string | null;

// ajv comes with the validator of OpenAPI documents and is found from there: one independent judge for both.
const fromValidator = createRequire(import.meta.resolve("@seriousme/openapi-schema-validator"));

/**
 * A judge for one description. `closed`: an object may hold nothing but what its schema names, so that an answer that
 * shows more than it says is found.
 */
export function createJudge(document: ApiDocument, { closed }: { closed: boolean }): SchemaJudge {
  const { Ajv2020 } = fromValidator("ajv/dist/2020.js") as {
    Ajv2020: new (options: object) => Ajv;
  };
  const addFormats = fromValidator("ajv-formats") as (ajv: Ajv) => void;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  const schemas = closed ? closeObjects(document.components.schemas) : document.components.schemas;
  ajv.addSchema({ components: { schemas } }, "document");
  const compiled = new Map<JsonSchema, Check>();
  return (schema, value) => {
    const check =
      compiled.get(schema) ??
      ajv.compile(pointIntoDocument(closed ? closeObjects(schema) : schema) as object);
    compiled.set(schema, check);
    return check(value) ? null : JSON.stringify(check.errors);
  };
}

/** `#/components/…` means the description, which ajv knows by a name. Inside of it, `#/` is right as it is. */
function pointIntoDocument(value: unknown): unknown {
  return mapObjects(value, (object) =>
    typeof object["$ref"] === "string" ? { ...object, $ref: `document${object["$ref"]}` } : object,
  );
}

function closeObjects(value: unknown): unknown {
  return mapObjects(value, (object) =>
    typeof object["properties"] === "object" && !("additionalProperties" in object)
      ? { ...object, additionalProperties: false }
      : object,
  );
}

/** Rebuilds a JSON value, each of its objects changed by `change`, the innermost first. */
export function mapObjects(
  value: unknown,
  change: (object: Record<string, unknown>) => Record<string, unknown>,
): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => mapObjects(each, change));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, mapObjects(each, change)]);
  return change(Object.fromEntries(entries) as Record<string, unknown>);
}
