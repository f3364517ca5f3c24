import { describe, expect, test } from "vitest";
import { undocumentedExports } from "./support/docstrings.ts";
import { readIfPresent, readRootSources, readSources } from "./support/source-files.ts";
import { readSpec, rulesTested } from "./support/spec-rules.ts";

/** Rooms whose exports others rely on. */
const DOCUMENTED = ["schema", "persistence", "extensions", "server", "client", "editor"];

const FOLDERS = [...DOCUMENTED, "bench", "test", "docs", ".ci"];

const WRITTEN_BY_HAND = [".ts", ".tsx", ".css", ".html", ".sql", ".md", "run"];

/** STYLE 5. */
const MAX_LINES = 300;

/** One entry a change, for ever. */
const UNBOUNDED = ["CHANGELOG.md"];

const code = FOLDERS.flatMap((folder) => readSources(folder, [".ts", ".tsx"]));
const everything = [
  ...FOLDERS.flatMap((folder) => readSources(folder, WRITTEN_BY_HAND)),
  ...readRootSources([".ts", ".md"]),
];

test("the checks below read the files", () => {
  expect(code.length).toBeGreaterThan(40);
  expect(everything.length).toBeGreaterThan(code.length);
});

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const tooLong = everything
    .filter(({ path }) => !UNBOUNDED.includes(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > MAX_LINES);
  expect(tooLong).toEqual([]);
});

test("nothing is left to do in a comment", () => {
  // In two halves, so that this file does not find itself.
  const marker = /\b(TO(?:DO)|FIX(?:ME)|XX(?:X))\b/u;
  const marked = everything.filter(({ text }) => marker.test(text)).map(({ path }) => path);
  expect(marked).toEqual([]);
});

test("every export says what it promises", () => {
  const undocumented = code
    .filter(({ path }) => DOCUMENTED.some((room) => path.startsWith(`${room}/`)))
    .flatMap(({ path, text }) => undocumentedExports(text).map((where) => `${path}:${where}`));
  expect(undocumented).toEqual([]);
});

describe("docs/SPEC.md", () => {
  const markdown = readIfPresent("docs/SPEC.md");
  const { rules, gaps } = readSpec(markdown ?? "");
  const tested = new Set(
    code.filter(({ path }) => path.endsWith(".test.ts")).flatMap(({ text }) => rulesTested(text)),
  );

  test.skipIf(markdown === undefined)("names every rule of the log, at the least", () => {
    const numbered = (letter: string, last: number): string[] =>
      Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
    const foundation = [...numbered("L", 7), ...numbered("C", 5), ...numbered("P", 2)];
    expect([...rules]).toEqual(expect.arrayContaining([...foundation, ...numbered("A", 4)]));
  });

  test.skipIf(markdown === undefined)("has a test for every rule that is not a gap", () => {
    expect([...rules].filter((rule) => !tested.has(rule) && !gaps.has(rule))).toEqual([]);
  });

  test.skipIf(markdown === undefined)("knows every rule that a test claims or a gap admits", () => {
    expect([...tested, ...gaps].filter((rule) => !rules.has(rule))).toEqual([]);
  });
});

describe("the checks themselves", () => {
  test.each([
    [`export const a = 1;`, ["1 a"]],
    [`/** One. */\nexport const a = 1;`, []],
    [`/** One. */\n// oxlint-disable-next-line no-x -- why\nexport const a = 1;`, []],
    [`/* One. */\nexport function a() {}`, ["2 a"]],
    [`/** One. */\nconst b = 2;\nexport const a = b;`, ["3 a"]],
    [`/** One. */\nexport function a(b: string): void;\nexport function a(b: unknown) {}`, []],
    [`/** Codes. */\nexport const a = 1;\nexport const b = 2;\n\nexport const c = 3;`, ["5 c"]],
    [`export type A = "b" | "c";`, []],
    [`export type A = {\n  b: string;\n};`, ["1 A"]],
    [`export { a } from "./a.ts";\nexport * from "./b.ts";`, []],
    [`const a = 1;\nexport { a };`, ["2 ExportNamedDeclaration"]],
    [`export default function a() {}`, ["1 a"]],
    [`const glob = "/** x */";\nexport const a = glob;`, ["2 a"]],
  ])("undocumentedExports(%j) is %j", (text, expected) => {
    expect(undocumentedExports(text)).toEqual(expected);
  });

  test("readSpec tells definitions, mentions and gaps apart", () => {
    const { rules, gaps } = readSpec(
      "# Spec\n**L1** first. **L2** second, see C9 and T14.\n- L3: third\n| C1 | a row |\n" +
        "## Gaps\nL2 has no test.\n### Later\n- C1\n## After\n### A1 one\n",
    );
    expect([...rules]).toEqual(["L1", "L2", "L3", "C1", "A1"]);
    expect([...gaps]).toEqual(["L2", "C1"]);
  });

  test("rulesTested reads the titles of tests, whatever runs them", () => {
    const text =
      "test('[L1 T4] a'); test.skipIf(x)('[C4, C5] b'); describe(`[P1] ${c}`); // test('[A1]')\n" +
      "log('[A2]'); test.each([1])('[A3] %s', () => {});";
    expect(rulesTested(text)).toEqual(["L1", "C4", "C5", "P1", "A3"]);
  });
});
