import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorsOf, type Route } from "../schema/api/contract.ts";
import { api } from "../schema/api/index.ts";
import { ERRORS } from "../schema/errors.ts";
import {
  createJudge,
  mapObjects,
  operationsOf,
  readApiDocument,
  type ApiDocument,
  type JsonSchema,
} from "./support/api-document.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { startTestNode } from "./support/node.ts";

const routes = Object.entries<Route>(api);

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startTestNode>>;
let document: ApiDocument;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startTestNode(database);
  document = await readApiDocument(node.port);
});
afterAll(async () => {
  await node.close();
  await database.close();
});

const operation = (name: string) => {
  const found = operationsOf(document).find(({ operationId }) => operationId === name);
  if (found === undefined) throw new Error(`The description has no operation ${name}`);
  return found;
};

/** Every schema in the description that has this keyword. */
function schemasWith(keyword: string): JsonSchema[] {
  const found: JsonSchema[] = [];
  mapObjects(document, (object) => {
    if (typeof object[keyword] === "string") found.push(object);
    return object;
  });
  return found;
}

test("an independent validator finds the description valid OpenAPI 3.1", async () => {
  const result = await new Validator().validate(structuredClone(document));
  expect(result).toEqual({ valid: true });
  expect(document.openapi).toBe("3.1.0");
});

test("the validator refuses a description that is wrong", async () => {
  const broken = { ...document, paths: { "/x": { get: { responses: "none" } } } };
  expect((await new Validator().validate(broken)).valid).toBe(false);
});

test("it holds every route of the contract, and none else", () => {
  const described = operationsOf(document).map(
    ({ operationId, method, path }) => `${operationId} ${method} ${path}`,
  );
  const contracted = routes.map(([name, { method, path }]) => `${name} ${method} /api/v1${path}`);
  expect(described.toSorted()).toEqual(contracted.toSorted());
  const names = described.map((line) => line.split(" ")[0]);
  expect(new Set(names).size).toBe(names.length);
});

test("no two routes answer to the same method and shape of path", () => {
  const shapes = routes.map(
    ([, { method, path }]) => `${method} ${path.replaceAll(/\{\w+\}/gu, "{}")}`,
  );
  expect(shapes.length).toBe(new Set(shapes).size);
});

describe.each(routes)("%s", (name, contract) => {
  test("describes each parameter of its path", () => {
    const inPath = [...contract.path.matchAll(/\{(\w+)\}/gu)].map((match) => match[1] ?? "");
    const described = (operation(name).parameters ?? []).filter((each) => each.in === "path");
    expect(described.map((each) => each.name).toSorted()).toEqual(inPath.toSorted());
    for (const { required, schema } of described) {
      expect(required).toBe(true);
      expect(schema["type"]).toBeDefined();
    }
    if (contract.access.who === "right") expect(inPath).toContain(contract.access.in);
  });

  test("names every error it can answer with", () => {
    const { responses } = operation(name);
    const statuses = errorsOf(contract).map((code) => String(ERRORS[code].http));
    const refusals = Object.keys(responses).filter((status) => Number(status) >= 400);
    expect(refusals.toSorted()).toEqual([...new Set(statuses)].toSorted());
    for (const status of refusals) {
      const [type, ...others] = Object.keys(responses[status]?.content ?? {});
      expect([type, others]).toEqual(["application/problem+json", []]);
    }
  });

  test("says who may call it", () => {
    const isOpen = contract.access.who === "anyone";
    expect(operation(name).security).toEqual(isOpen ? [] : [{ token: [] }]);
  });
});

test.each(routes.filter(([, { body }]) => body !== undefined))(
  "%s shows a body that it takes",
  (name, { body, example }) => {
    expect(operation(name).requestBody?.content["application/json"]?.example).toEqual(example);
    expect(body?.safeParse(example).error).toBeUndefined();
  },
);

test("every pattern is a regular expression of the kind that JSON Schema knows", () => {
  const patterns = schemasWith("pattern").map((schema) => String(schema["pattern"]));
  expect(patterns.length).toBeGreaterThan(0);
  for (const pattern of patterns) {
    expect(() => new RegExp(pattern, "u")).not.toThrow();
    // How JavaScript writes one, with slashes and flags, would match nothing at all.
    expect(pattern).not.toMatch(/^\/|\/[a-z]*$/u);
  }
});

test("every example fits its own schema", () => {
  const judge = createJudge(document, { closed: false });
  const examples = schemasWith("type").filter((schema) => "example" in schema);
  expect(examples.length).toBeGreaterThan(0);
  for (const schema of examples) expect(judge(schema, schema["example"])).toBeNull();
});
