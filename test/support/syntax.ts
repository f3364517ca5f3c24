import { parseAst } from "vitest/node";

/** A node of the ESTree that vite's own parser makes of TypeScript; fields other than these differ by type. */
export type SyntaxNode = { type: string; start: number; end: number; [field: string]: unknown };

/** Parses TypeScript into its program node; throws where the text is no TypeScript. */
export function parse(text: string): SyntaxNode {
  // oxlint-disable-next-line typescript/no-deprecated -- its successor lives in rolldown, which is no dependency of ours
  return parseAst(text, { lang: "ts" }) as unknown as SyntaxNode;
}

/** The node in a field, or undefined where the field is absent, null or no node. */
export function child(node: SyntaxNode | undefined, field: string): SyntaxNode | undefined {
  const value = node?.[field];
  return isNode(value) ? value : undefined;
}

/** The nodes in a field that holds a list; empty where it holds none. */
export function children(node: SyntaxNode | undefined, field: string): SyntaxNode[] {
  const value = node?.[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The name of an identifier, or undefined for any other node. */
export function identifier(node: SyntaxNode | undefined): string | undefined {
  return node?.type === "Identifier" ? (node["name"] as string) : undefined;
}

/** The text of a string literal or of a template; a template's `${…}` are left out. Undefined for any other node. */
export function stringValue(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node?.type !== "TemplateLiteral") return undefined;
  return children(node, "quasis")
    .map((quasi) => (quasi["value"] as { raw: string }).raw)
    .join("");
}

/** Yields a node and everything below it, outermost first. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const value of Object.values(node)) {
    for (const below of Array.isArray(value) ? value : [value]) {
      if (isNode(below)) yield* walk(below);
    }
  }
}

/** The line, from 1, that an offset lies on. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
