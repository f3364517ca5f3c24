import { child, children, identifier, parse, stringValue, walk } from "./syntax.ts";
import type { SyntaxNode } from "./syntax.ts";

/** L1 to L7 the log, C compaction, P projections, A access, S suggestions, V versions, N nodes. T are test numbers. */
const RULE = /\b[LCPASVN]\d{1,2}\b/gu;

/** What docs/SPEC.md says of its numbered rules. */
export type Spec = { rules: Set<string>; gaps: Set<string> };

/**
 * Reads the rules that SPEC.md defines and the ones it admits to be gaps.
 *
 * A rule is defined where it is set in bold, `**L1**`, or opens a line, a list entry, a heading or a
 * table row; a mention inside a sentence defines nothing. A gap is any rule named under a heading
 * with the word Gaps, up to the next heading of the same or a higher level.
 */
export function readSpec(markdown: string): Spec {
  const rules = new Set<string>();
  const gaps = new Set<string>();
  let gapsLevel = 0;
  for (const line of markdown.split("\n")) {
    const heading = /^(#+)\s+(.*)$/u.exec(line);
    const level = heading?.[1]?.length ?? Number.POSITIVE_INFINITY;
    if (level <= gapsLevel) gapsLevel = 0;
    if (heading !== null && /\bgaps\b/iu.test(line)) gapsLevel = level;
    if (gapsLevel > 0) namesIn(line).forEach((rule) => gaps.add(rule));
    else definedOn(line).forEach((rule) => rules.add(rule));
  }
  return { rules, gaps };
}

/** The rules that the titles of a test file carry in square brackets: `[L1]`, `[L1 T4]`, `[C4, C5]`. */
export function rulesTested(text: string): string[] {
  return [...walk(parse(text))].flatMap((node) => {
    const title = titleOf(node) ?? "";
    return [...title.matchAll(/\[([^\]]*)\]/gu)].flatMap(([, tag]) => namesIn(tag ?? ""));
  });
}

function definedOn(line: string): string[] {
  const opening = /^[\s#>|*+-]*\[?([LCPASVN]\d{1,2})\b/u.exec(line)?.[1];
  const bold = [...line.matchAll(/\*\*([LCPASVN]\d{1,2})\b/gu)].map(([, rule]) => rule);
  return [opening, ...bold].filter((rule) => rule !== undefined);
}

/** The first argument of `test(…)`, `test.skipIf(…)(…)`, `describe.each(…)(…)` and their like. */
function titleOf(node: SyntaxNode): string | undefined {
  if (node.type !== "CallExpression") return undefined;
  let callee = child(node, "callee");
  while (callee !== undefined && callee.type !== "Identifier") {
    callee = child(callee, "object") ?? child(callee, "callee");
  }
  if (!["test", "it", "describe"].includes(identifier(callee) ?? "")) return undefined;
  return stringValue(children(node, "arguments")[0]);
}

const namesIn = (text: string): string[] => [...text.matchAll(RULE)].map(([rule]) => rule);
